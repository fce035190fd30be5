package signal

import (
	"encoding/base64"
	"strconv"
	"strings"

	"go.mau.fi/whatsmeow/types"
)

// The names of the rows in auth_data.
const (
	keyCreds           = "creds"
	keyNCTSalt         = "nct-salt"
	prefixPreKey       = "pre-key-"
	prefixSession      = "session-"
	prefixIdentity     = "identity-key-"
	prefixSenderKey    = "sender-key-"
	prefixAppKey       = "app-state-sync-key-"
	prefixAppVersion   = "app-state-sync-version-"
	prefixPrivacyToken = "tctoken-"
)

func sessionKey(address string) string  { return prefixSession + address }
func identityKey(address string) string { return prefixIdentity + address }
func preKeyKey(id uint32) string        { return prefixPreKey + strconv.FormatUint(uint64(id), 10) }
func appVersionKey(name string) string  { return prefixAppVersion + name }
func appKeyKey(id []byte) string        { return prefixAppKey + base64.StdEncoding.EncodeToString(id) }
func privacyTokenKey(user types.JID) string {
	return prefixPrivacyToken + user.ToNonAD().String()
}
func senderKeyKey(group, address string) string {
	return prefixSenderKey + group + "--" + address
}

// splitSenderKey takes a sender key's row name apart.
func splitSenderKey(key string) (group, address string, ok bool) {
	rest, ok := strings.CutPrefix(key, prefixSenderKey)
	at := strings.LastIndex(rest, "--")
	if !ok || at < 0 {
		return "", "", false
	}
	return rest[:at], rest[at+2:], true
}

// address is a Signal address: user[_agent]:device. The agent is 1 for LIDs
// and absent for phone numbers.
type address struct {
	user   string
	agent  string // digits, or empty
	device string // digits
}

// parseAddress takes a Signal address apart. ok is false when it is none.
func parseAddress(s string) (a address, ok bool) {
	at := strings.LastIndexByte(s, ':')
	if at < 1 || !digits(s[at+1:]) {
		return address{}, false
	}
	a = address{user: s[:at], device: s[at+1:]}
	if i := strings.LastIndexByte(a.user, '_'); i > 0 && digits(a.user[i+1:]) {
		a.user, a.agent = a.user[:i], a.user[i+1:]
	}
	return a, true
}

// lidAgent is the agent of addresses that are LIDs.
const lidAgent = "1"

// name returns user[_agent], the part of an address that all devices share.
func (a address) name() string {
	if a.agent == "" {
		return a.user
	}
	return a.user + "_" + a.agent
}

// String returns the address as libsignal writes it.
func (a address) String() string { return a.name() + ":" + a.device }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// keyAddress returns the address in the name of a session, identity or
// sender-key row.
func keyAddress(key string) (address, bool) {
	for _, prefix := range []string{prefixSession, prefixIdentity} {
		if s, ok := strings.CutPrefix(key, prefix); ok {
			return parseAddress(s)
		}
	}
	if _, s, ok := splitSenderKey(key); ok {
		return parseAddress(s)
	}
	return address{}, false
}
