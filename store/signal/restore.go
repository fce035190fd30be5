package signal

import (
	"context"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"

	"wamux/store"
)

// A database that was put back is in the past: its ratchets would use counters
// and keys a second time, which breaks chats and leaks what they protect. So the
// Signal sessions and our own sender keys go, and are negotiated anew with the
// next message. Identities, app-state keys, message secrets and the hashes of
// handled events are as good as ever. Pre-keys that are left may have been used
// up meanwhile: they still decrypt, but no longer count, so that a fresh batch
// is uploaded, under ids that were never given. Versions of app state go with
// their MACs: the collections are fetched in full.

// The counter of pre-keys jumps by at least minJump; the random part keeps a
// file that is put back twice from giving the same ids twice.
const (
	minJump = 1000
	maxJump = 1_000_000
)

// restored is what has to change for one session.
type restored struct {
	session    string
	senderKeys []string // rows of auth_data with keys of our own
	next       uint32   // pre-key counter
}

// applyRestore changes all sessions in one transaction, then confirms.
func applyRestore(ctx context.Context, db *store.DB, log *slog.Logger) error {
	var all []restored
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		all, err = readRestored(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("read what the restored database has: %w", err)
	}
	err = db.Update(ctx, func(tx *store.Tx) error {
		for _, r := range all {
			if err := r.apply(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("apply the rules for a restored database: %w", err)
	}
	log.Warn("the database was put back or moved: encrypted sessions are negotiated anew", "sessions", len(all))
	return db.ConfirmRestore(ctx)
}

// readRestored looks at every session that has keys, in use or kept aside.
func readRestored(tx *store.Tx) (all []restored, err error) {
	sessions, err := readStrings(tx, `SELECT sessionId FROM auth_data UNION SELECT sessionId FROM deleted_auth ORDER BY sessionId`)
	if err != nil {
		return nil, err
	}
	for _, session := range sessions {
		r := restored{session: session}
		if r.senderKeys, err = ownSenderKeys(tx, session); err != nil {
			return nil, err
		}
		next, err := readCounter(tx, session)
		if err != nil {
			return nil, err
		}
		r.next = (next+minJump+mathrand.Uint32N(maxJump-minJump)-1)%maxPreKeyID + 1
		all = append(all, r)
	}
	return all, nil
}

// ownSenderKeys returns the sender keys of this device. Without readable
// credentials it can't be told which those are: then all of them.
func ownSenderKeys(tx *store.Tx, session string) (own []string, err error) {
	keys, err := readKeys(tx, session, prefixSenderKey)
	if err != nil {
		return nil, err
	}
	value, err := readRow(tx, session, keyCreds)
	if err != nil {
		return nil, err
	}
	d, err := decodeCreds(value)
	if err != nil {
		return keys, nil
	}
	s := &stores{}
	s.setOwn(d.GetJID(), d.GetLID())
	for _, key := range keys {
		if _, address, ok := splitSenderKey(key); !ok || s.own.Load().has(address) {
			own = append(own, key)
		}
	}
	return own, nil
}

func (r restored) apply(tx *store.Tx) error {
	for _, prefix := range []string{prefixSession, prefixAppVersion} {
		if _, err := tx.Exec(`DELETE FROM auth_data WHERE sessionId = ? AND key >= ? AND key < ?`, r.session, prefix, after(prefix)); err != nil {
			return err
		}
	}
	for _, key := range r.senderKeys {
		if err := writeRow(tx, r.session, key, nil); err != nil {
			return err
		}
	}
	for _, prefix := range []string{prefixSession, prefixAppVersion, prefixSenderKey} { // what is kept aside may come into use again
		if _, err := tx.Exec(`DELETE FROM deleted_auth WHERE sessionId = ? AND key >= ? AND key < ?`, r.session, prefix, after(prefix)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`DELETE FROM app_state_macs WHERE sessionId = ?`, r.session); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE pre_keys SET state = ? WHERE sessionId = ? AND state <> ?`, preKeyKept, r.session, preKeySingle); err != nil {
		return err
	}
	return writeCounter(tx, r.session, r.next)
}

// readStrings returns the first column of a query.
func readStrings(tx *store.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}
