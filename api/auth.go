package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"time"

	"wamux/store"
)

// authenticate finds the key of a request. Without one the error is 401; so it is with a wrong one, and 429 once there were too
// many from the address. Whatever others at the address did, a right key is let in.
func (a *api) authenticate(r *http.Request) (*store.APIKey, error) {
	secret := presented(r)
	if secret == "" {
		return nil, fail(http.StatusUnauthorized, "key_missing", "API key is required", "Send it as Authorization: Bearer KEY or x-api-key: KEY.")
	}
	if a.configured(secret) {
		return &store.APIKey{ID: "configured", Name: "API_KEYS", Scopes: []store.Scope{store.ScopeAdmin}}, nil
	}
	key, err := a.DB.Authenticate(r.Context(), secret)
	if store.ErrorCode(err) != store.CodeUnauthorized {
		return key, err
	}
	if wait := a.guesses.wrong(remoteIP(r)); wait > 0 {
		return nil, tooManyGuesses(wait)
	}
	return nil, fail(http.StatusUnauthorized, "key_invalid", "Invalid API key", "")
}

func tooManyGuesses(wait time.Duration) error {
	p := fail(http.StatusTooManyRequests, "too_many_wrong_keys", "Too many requests with a wrong API key from this address", "Correct the key and try again later.")
	p.RetryAfter = wait
	return p
}

// presented reads the key from its headers; never from the query, which ends up in logs.
func presented(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(key)
	}
	return ""
}

// configured compares with every configured key, always with all of them, by hashes of one length.
func (a *api) configured(secret string) bool {
	sum, found := sha256.Sum256([]byte(secret)), 0
	for _, known := range a.keySums {
		found |= subtle.ConstantTimeCompare(sum[:], known[:])
	}
	return found == 1
}

func sums(keys []string) [][sha256.Size]byte {
	var all [][sha256.Size]byte
	for _, k := range keys {
		if k = strings.TrimSpace(k); k != "" {
			all = append(all, sha256.Sum256([]byte(k)))
		}
	}
	return all
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
