package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Scope is one thing that an API key may do.
type Scope string

// The scopes. Admin includes all others, on every session.
const (
	ScopeAdmin   Scope = "admin"
	ScopeRead    Scope = "read"
	ScopeSend    Scope = "send"
	ScopeManage  Scope = "manage"
	ScopeMetrics Scope = "metrics"
)

// APIKey is a key without its secret: that is shown once and stored hashed.
type APIKey struct {
	ID, Name  string
	Prefix    string // wk_<id>, the part that may be shown
	Scopes    []Scope
	Sessions  []string // empty means all
	CreatedAt time.Time
	LastUsed  time.Time // zero when never; within a minute
}

// Allows tells whether the key may do scope on session. An empty session asks
// for what belongs to no session, which a key bound to sessions may not do.
func (k *APIKey) Allows(scope Scope, session string) bool {
	if slices.Contains(k.Scopes, ScopeAdmin) {
		return true
	}
	if !slices.Contains(k.Scopes, scope) {
		return false
	}
	return len(k.Sessions) == 0 || slices.Contains(k.Sessions, session)
}

// lastUsedEvery is how exact LastUsed is: writing it with each request would
// cost more than the request.
const lastUsedEvery = time.Minute

// keyring keeps all keys in memory, since every request asks for one. It is
// changed only after the database was.
type keyring struct {
	mu     sync.RWMutex
	loaded bool
	keys   map[string]*storedKey // by id; values are replaced, not changed
}

type storedKey struct {
	APIKey
	hash []byte // SHA-256 of the secret: 256 random bits need no slow hash
}

// AddAPIKey makes a key and returns it with its secret, which nobody can see
// again. No scopes is invalid; no sessions means all.
func (db *DB) AddAPIKey(ctx context.Context, name string, scopes []Scope, sessions []string) (*APIKey, string, error) {
	key, secret, err := newAPIKey(name, scopes, sessions)
	if err != nil {
		return nil, "", err
	}
	if err := db.addAPIKey(ctx, key); err != nil {
		return nil, "", err
	}
	k := key.APIKey
	return &k, secret, nil
}

func newAPIKey(name string, scopes []Scope, sessions []string) (*storedKey, string, error) {
	known := []Scope{ScopeAdmin, ScopeRead, ScopeSend, ScopeManage, ScopeMetrics}
	if len(scopes) == 0 {
		return nil, "", Errorf(CodeInvalid, "scope_missing", "A key needs at least one scope: admin, read, send, manage or metrics")
	}
	for _, s := range scopes {
		if !slices.Contains(known, s) {
			return nil, "", Errorf(CodeInvalid, "scope_unknown", "The scope %q is not one of admin, read, send, manage and metrics", s)
		}
	}
	id := strings.ToLower(rand.Text()[:10])
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	secret := "wk_" + id + "_" + base64.RawURLEncoding.EncodeToString(random)
	hash := sha256.Sum256([]byte(secret))
	key := APIKey{ID: id, Name: name, Prefix: "wk_" + id, Scopes: slices.Clone(scopes), Sessions: slices.Clone(sessions)}
	return &storedKey{APIKey: key, hash: hash[:]}, secret, nil
}

func (db *DB) addAPIKey(ctx context.Context, k *storedKey) error {
	if err := db.loadKeys(ctx); err != nil {
		return err
	}
	scopes, err := json.Marshal(k.Scopes)
	if err != nil {
		return err
	}
	sessions, err := json.Marshal(k.Sessions)
	if err != nil {
		return err
	}
	err = db.Update(ctx, func(tx *Tx) error {
		k.CreatedAt = tx.Now
		_, err := tx.Exec("INSERT INTO api_keys (id, name, hash, scopes, sessions, createdAt) VALUES (?, ?, ?, ?, ?, ?)",
			k.ID, k.Name, k.hash, string(scopes), string(sessions), toMillis(tx.Now))
		return err
	})
	if err == nil {
		db.keys.put(k)
	}
	return err
}

func (r *keyring) put(k *storedKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[k.ID] = k
}

// replace puts a new value for a key that is still there.
func (r *keyring) replace(k *storedKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, there := r.keys[k.ID]
	if there {
		r.keys[k.ID] = k
	}
	return there
}

func (r *keyring) get(id string) *storedKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[id]
}

// loadKeys reads the keys on first use.
func (db *DB) loadKeys(ctx context.Context) error {
	r := &db.keys
	r.mu.RLock()
	loaded := r.loaded
	r.mu.RUnlock()
	if loaded {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loaded {
		return nil
	}
	var list []*storedKey
	err := db.Read(ctx, func(tx *Tx) (err error) {
		rows, err := tx.Query("SELECT id, name, hash, scopes, sessions, createdAt, lastUsed FROM api_keys")
		list, err = collect(rows, err, scanKey)
		return err
	})
	if err != nil {
		return err
	}
	r.keys = make(map[string]*storedKey, len(list))
	for _, k := range list {
		r.keys[k.ID] = k
	}
	r.loaded = true
	return nil
}

func scanKey(row scanner) (*storedKey, error) {
	var k storedKey
	var scopes, sessions string
	var created, used int64
	if err := row.Scan(&k.ID, &k.Name, &k.hash, &scopes, &sessions, &created, &used); err != nil {
		return nil, err
	}
	k.Prefix, k.CreatedAt, k.LastUsed = "wk_"+k.ID, fromMillis(created), fromMillis(used)
	if err := json.Unmarshal([]byte(scopes), &k.Scopes); err != nil {
		return nil, err
	}
	return &k, json.Unmarshal([]byte(sessions), &k.Sessions)
}

// Authenticate returns the key that secret belongs to, or an unauthorized error.
// It takes the same time for every wrong secret.
func (db *DB) Authenticate(ctx context.Context, secret string) (*APIKey, error) {
	if err := db.loadKeys(ctx); err != nil {
		return nil, err
	}
	id := ""
	if parts := strings.SplitN(secret, "_", 3); len(parts) == 3 && parts[0] == "wk" {
		id = parts[1]
	}
	hash := sha256.Sum256([]byte(secret))
	k := db.keys.get(id)
	want := make([]byte, sha256.Size)
	if k != nil {
		want = k.hash
	}
	if subtle.ConstantTimeCompare(hash[:], want) != 1 || k == nil {
		return nil, Errorf(CodeUnauthorized, "api_key_invalid", "Invalid API key")
	}
	db.noteUse(ctx, k)
	key := k.APIKey
	return &key, nil
}

// noteUse writes lastUsed, at most once in lastUsedEvery. It is a courtesy: a
// failure is not worth refusing a good key.
func (db *DB) noteUse(ctx context.Context, k *storedKey) {
	now := db.time()
	if now.Sub(k.LastUsed) < lastUsedEvery {
		return
	}
	used := *k
	used.LastUsed = now
	if !db.keys.replace(&used) {
		return
	}
	err := db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE api_keys SET lastUsed = ? WHERE id = ?", toMillis(now), k.ID)
		return err
	})
	if err != nil {
		db.log.Debug("the last use of an API key was not noted", "key", k.Prefix, "cause", err)
	}
}

// APIKeys returns all keys, the oldest first, without their secrets.
func (db *DB) APIKeys(ctx context.Context) ([]*APIKey, error) {
	if err := db.loadKeys(ctx); err != nil {
		return nil, err
	}
	db.keys.mu.RLock()
	defer db.keys.mu.RUnlock()
	list := make([]*APIKey, 0, len(db.keys.keys))
	for _, k := range db.keys.keys {
		key := k.APIKey
		list = append(list, &key)
	}
	slices.SortFunc(list, func(a, b *APIKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return list, nil
}

// RevokeAPIKey removes the key for good, or fails with api_key_not_found.
func (db *DB) RevokeAPIKey(ctx context.Context, id string) error {
	if err := db.loadKeys(ctx); err != nil {
		return err
	}
	err := db.Update(ctx, func(tx *Tx) error {
		found, err := changed(tx.Exec("DELETE FROM api_keys WHERE id = ?", id))
		if err == nil && !found {
			err = Errorf(CodeNotFound, "api_key_not_found", "API key not found")
		}
		return err
	})
	if err != nil {
		return err
	}
	db.keys.mu.Lock()
	defer db.keys.mu.Unlock()
	delete(db.keys.keys, id)
	return nil
}

// EnsureAdminKey makes an admin key when there is none yet, writes its secret to
// file for its owner only, and tells whether it did. The file comes first: a
// crash in between leaves a secret without a key, and the next start makes both.
func (db *DB) EnsureAdminKey(ctx context.Context, file string) (made bool, err error) {
	list, err := db.APIKeys(ctx)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(list, func(k *APIKey) bool { return slices.Contains(k.Scopes, ScopeAdmin) }) {
		return false, nil
	}
	key, secret, err := newAPIKey("admin", []Scope{ScopeAdmin}, nil)
	if err != nil {
		return false, err
	}
	if err := replaceFile(file, []byte(secret+"\n")); err != nil {
		return false, &Error{Code: CodeReadOnly, Name: "admin_key_not_written", Message: fmt.Sprintf("The admin key cannot be written to %s", file), Hint: "Check the owner and mode of its folder, or set API_KEYS.", Err: err}
	}
	if err := db.heir.take(file); err != nil {
		return true, err
	}
	return true, db.addAPIKey(ctx, key)
}
