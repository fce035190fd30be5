package signal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// lidCacheUsers bounds how many users the map keeps in memory, in each direction.
const lidCacheUsers = 50_000

// lids is the map between LIDs and phone numbers. It has no owner: a pair is a
// fact about a third person, the same for every session, and what one session
// learned the others need not ask for; so deleting a session takes only its own
// number from it, and that only when no other session knows it. It is emptied
// when no session is left. A phone number has one LID.
type lids struct {
	db    *store.DB
	toLID *lru[string, string] // users; "" means there is none
	toPN  *lru[string, string]
}

func newLIDs(db *store.DB) *lids {
	one := func(string, string) int { return 1 }
	return &lids{db: db, toLID: newLRU(lidCacheUsers, one), toPN: newLRU(lidCacheUsers, one)}
}

// put writes pairs, all or none. The cache changes after the commit: it forgets
// the users involved, so that whoever wrote last in the database is right.
func (l *lids) put(ctx context.Context, pairs []wastore.LIDMapping) error {
	news, err := l.news(ctx, pairs)
	if err != nil || len(news) == 0 {
		return err
	}
	var oldLIDs, oldPNs []string
	err = l.db.Update(ctx, func(tx *store.Tx) error {
		oldLIDs, oldPNs = nil, nil
		for _, p := range news {
			lid, pn, err := writeLID(tx, p.LID.User, p.PN.User)
			if err != nil {
				return err
			}
			oldLIDs, oldPNs = append(oldLIDs, lid, p.LID.User), append(oldPNs, pn, p.PN.User)
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.toPN.forget(oldLIDs...)
	l.toLID.forget(oldPNs...)
	return nil
}

// news leaves out what is no pair, and what is known already.
func (l *lids) news(ctx context.Context, pairs []wastore.LIDMapping) ([]wastore.LIDMapping, error) {
	var pns []types.JID
	for _, p := range pairs {
		if isPair(p) {
			pns = append(pns, p.PN.ToNonAD())
		}
	}
	known, err := l.many(ctx, pns)
	if err != nil {
		return nil, err
	}
	var news []wastore.LIDMapping
	for _, p := range pairs {
		if isPair(p) && known[p.PN.ToNonAD()].User != p.LID.User {
			news = append(news, p)
		}
	}
	return news, nil
}

func isPair(p wastore.LIDMapping) bool {
	return p.LID.Server == types.HiddenUserServer && p.PN.Server == types.DefaultUserServer && p.LID.User != "" && p.PN.User != ""
}

// writeLID writes one pair and returns the LID that the number had and the
// number that the LID had.
func writeLID(tx *store.Tx, lid, pn string) (oldLID, oldPN string, err error) {
	if oldLID, err = readUser(tx, queryLID, pn); err != nil {
		return "", "", err
	}
	if oldPN, err = readUser(tx, queryPN, lid); err != nil {
		return "", "", err
	}
	if oldLID == lid {
		return oldLID, oldPN, nil
	}
	if _, err = tx.Exec(`DELETE FROM lid_map WHERE pn = ?`, pn); err != nil {
		return "", "", err
	}
	_, err = tx.Exec(`INSERT INTO lid_map (lid, pn) VALUES (?, ?) ON CONFLICT (lid) DO UPDATE SET pn = excluded.pn`, lid, pn)
	return oldLID, oldPN, err
}

const (
	queryLID = `SELECT lid FROM lid_map WHERE pn = ?`
	queryPN  = `SELECT pn FROM lid_map WHERE lid = ?`
)

// readUser runs one of the queries above; "" means there is none.
func readUser(tx *store.Tx, query, of string) (user string, err error) {
	err = tx.QueryRow(query, of).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return user, err
}

// find returns jid as it is on the other server, with the same device, or the
// empty JID.
func (l *lids) find(ctx context.Context, jid types.JID, cache *lru[string, string], query, server string) (types.JID, error) {
	user, ok, epoch := cache.get(jid.User)
	if !ok {
		err := l.db.View(ctx, func(tx *store.Tx) (err error) {
			user, err = readUser(tx, query, jid.User)
			return err
		})
		if err != nil {
			return types.EmptyJID, err
		}
		cache.fill(jid.User, user, epoch)
	}
	if user == "" {
		return types.EmptyJID, nil
	}
	return types.JID{User: user, Device: jid.Device, Server: server}, nil
}

func (l *lids) lid(ctx context.Context, pn types.JID) (types.JID, error) {
	if pn.Server != types.DefaultUserServer {
		return types.EmptyJID, refuse("%s is no phone number", pn)
	}
	return l.find(ctx, pn, l.toLID, queryLID, types.HiddenUserServer)
}

func (l *lids) pn(ctx context.Context, lid types.JID) (types.JID, error) {
	if lid.Server != types.HiddenUserServer {
		return types.EmptyJID, refuse("%s is no LID", lid)
	}
	return l.find(ctx, lid, l.toPN, queryPN, types.DefaultUserServer)
}

// other returns the LID of a phone number and the phone number of a LID, and
// the empty JID for what is neither or not known.
func (l *lids) other(ctx context.Context, jid types.JID) (types.JID, error) {
	switch jid.Server {
	case types.DefaultUserServer:
		return l.lid(ctx, jid)
	case types.HiddenUserServer:
		return l.pn(ctx, jid)
	}
	return types.EmptyJID, nil
}

// many returns the LIDs of those phone numbers that have one.
func (l *lids) many(ctx context.Context, pns []types.JID) (map[types.JID]types.JID, error) {
	if len(pns) == 0 {
		return nil, nil
	}
	found := make(map[types.JID]types.JID, len(pns))
	missing := make(map[string]string) // by number: its LID
	epoch := l.toLID.now()
	for _, pn := range pns {
		if pn.Server != types.DefaultUserServer {
			continue
		}
		if user, ok, _ := l.toLID.get(pn.User); !ok {
			missing[pn.User] = ""
		} else if user != "" {
			found[pn] = types.JID{User: user, Device: pn.Device, Server: types.HiddenUserServer}
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	if err := l.read(ctx, missing); err != nil {
		return nil, err
	}
	for pn, lid := range missing {
		l.toLID.fill(pn, lid, epoch)
	}
	for _, pn := range pns {
		if user := missing[pn.User]; user != "" && pn.Server == types.DefaultUserServer {
			found[pn] = types.JID{User: user, Device: pn.Device, Server: types.HiddenUserServer}
		}
	}
	return found, nil
}

// read fills in the LIDs of the numbers that are the keys of users.
func (l *lids) read(ctx context.Context, users map[string]string) error {
	list := make([]string, 0, len(users))
	for pn := range users {
		list = append(list, pn)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return l.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT pn, lid FROM lid_map WHERE pn IN (SELECT value FROM json_each(?))`, string(text))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var pn, lid string
			if err := rows.Scan(&pn, &lid); err != nil {
				return err
			}
			users[pn] = lid
		}
		return rows.Err()
	})
}
