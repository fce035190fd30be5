package store

import (
	"database/sql"
	"errors"
	"strings"
)

// target is a row of chat_history that a receipt, edit or revoke may mean.
type target struct {
	row                  int64
	chat, sender, status string
	outgoing             bool
}

// targets returns the rows with that message id. There is hardly ever more than
// one: ids are random.
func targets(tx *Tx, session, messageID string) ([]target, error) {
	rows, err := tx.Query("SELECT id, chat, sender, status, direction = 'outgoing' FROM chat_history WHERE sessionId = ? AND messageId = ?", session, messageID)
	return collect(rows, err, func(row scanner) (t target, err error) {
		err = row.Scan(&t.row, &t.chat, &t.sender, &t.status, &t.outgoing)
		return t, err
	})
}

// addReceipt moves our own messages forward and notes who has got them. It may
// come before the message is noted as sent; its job is known then. A message that
// gets no row has nobody to ask for its receipts.
func addReceipt(tx *Tx, session string, r *Receipt) error {
	for _, id := range r.MessageIDs {
		list, err := targets(tx, session, id)
		if err != nil {
			return err
		}
		known := false
		switch {
		case len(list) > 0:
			known, err = forward(tx, list, r)
		case tx.history != HistoryOff:
			known, err = isGoingOut(tx, session, id)
		}
		if err != nil {
			return err
		}
		if known && r.By != "" {
			if err := noteRecipient(tx, session, id, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// forward moves the status of our rows in the chat of the receipt, never back,
// and tells whether there is one.
func forward(tx *Tx, list []target, r *Receipt) (known bool, err error) {
	for _, t := range list {
		if !t.outgoing || !sameChat(t.chat, r.Chat) && !sameChat(t.chat, r.AltChat) {
			continue
		}
		known = true
		next := furthest(t.status, r.Status)
		if next == t.status {
			continue
		}
		if _, err := tx.Exec("UPDATE chat_history SET status = ? WHERE id = ?", next, t.row); err != nil {
			return false, err
		}
	}
	return known, nil
}

// isGoingOut tells whether a job is sending the message.
func isGoingOut(tx *Tx, session, id string) (yes bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_open WHERE sessionId = ? AND state IN ('queued', 'sending') AND messageId = ?)`, session, id).Scan(&yes)
	return yes, err
}

func noteRecipient(tx *Tx, session, id string, r *Receipt) error {
	_, err := tx.Exec(`INSERT INTO message_receipts (sessionId, messageId, recipient, status, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		session, id, bare(r.By), r.Status, toMillis(r.At))
	return noSession(err)
}

// earlyStatus returns how far a message has come by receipts that were here
// before its row; "" when there were none.
func earlyStatus(tx *Tx, session, id string) (string, error) {
	rows, err := tx.Query("SELECT DISTINCT status FROM message_receipts WHERE sessionId = ? AND messageId = ?", session, id)
	list, err := collect(rows, err, func(row scanner) (s string, err error) { return s, row.Scan(&s) })
	status := ""
	for _, s := range list {
		status = furthest(status, s)
	}
	return status, err
}

// findTarget returns the row that an edit or revoke by somebody means, or 0.
// Everybody in a chat knows the ids of its messages and must not change those
// of others: only the author may. "" is somebody whom the caller trusts.
func findTarget(tx *Tx, session, id, chat, by string) (int64, error) {
	list, err := targets(tx, session, id)
	if err != nil {
		return 0, err
	}
	for _, t := range list {
		if !sameChat(t.chat, chat) {
			continue
		}
		may, err := isAuthor(tx, session, t, chat, by)
		if err != nil || may {
			return t.row, err
		}
	}
	return 0, nil
}

// isAuthor tells whether by wrote the row.
func isAuthor(tx *Tx, session string, t target, chat, by string) (bool, error) {
	if by == "" {
		return true, nil
	}
	if personal(chat) {
		own, err := isOwn(tx, session, chat, by)
		return t.outgoing == own, err
	}
	if t.outgoing {
		return isAccount(tx, session, by)
	}
	return samePerson(tx, t.sender, by)
}

// samePerson tells whether two identities are one person's: they are equal, or
// the one is known as the other's phone number. What is not known is not so.
func samePerson(tx *Tx, a, b string) (same bool, err error) {
	a, b = bare(a), bare(b)
	if a == b || server(a) == server(b) {
		return a == b, nil
	}
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM lid_map WHERE lid = ?1 AND pn = ?2 OR lid = ?2 AND pn = ?1)`, user(a), user(b)).Scan(&same)
	return same, err
}

// isOwn tells whether by is the account itself in a chat of two.
func isOwn(tx *Tx, session, chat, by string) (bool, error) {
	if server(by) == server(chat) {
		return bare(by) != bare(chat), nil
	}
	return isAccount(tx, session, by)
}

// isAccount tells whether by is an identity of the session's own account.
func isAccount(tx *Tx, session, by string) (bool, error) {
	var jid, lid string
	err := tx.QueryRow("SELECT jid, lid FROM whatsapp_sessions WHERE sessionId = ?", session).Scan(&jid, &lid)
	if errors.Is(err, sql.ErrNoRows) {
		return false, errNoSession()
	}
	return bare(by) == bare(jid) || bare(by) == bare(lid), err
}

// sameChat tells whether a and b may be the same chat: they are equal, or one
// is a phone number and the other a LID, whose pair is not known here. The
// random message id has made sure already that it is the one that is meant.
func sameChat(a, b string) bool {
	a, b = bare(a), bare(b)
	return a == b || personal(a) && personal(b) && server(a) != server(b)
}

func personal(jid string) bool { return server(jid) == "s.whatsapp.net" || server(jid) == "lid" }

func server(jid string) string {
	_, s, _ := strings.Cut(jid, "@")
	return s
}

// bare returns a JID without its device: user:3@server becomes user@server.
func bare(jid string) string {
	user, server, found := strings.Cut(jid, "@")
	if !found {
		return jid
	}
	user, _, _ = strings.Cut(user, ":")
	return user + "@" + server
}

// user returns the part of a bare JID before the server.
func user(jid string) string {
	u, _, _ := strings.Cut(jid, "@")
	return u
}
