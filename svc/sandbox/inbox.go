package sandbox

import (
	"database/sql"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// How far a message that this account sent has come.
const (
	statusNone = iota // of messages received
	statusServer
	statusDelivered
	statusRead
	statusPlayed
)

var statusNames = [...]string{"", "server", "delivered", "read", "played"}

// statusOf is what a receipt says about a message. A device that is not in use confirms as inactive: that shows nowhere.
func statusOf(kind string) int {
	switch kind {
	case "":
		return statusDelivered
	case "read":
		return statusRead
	case "played":
		return statusPlayed
	}
	return statusNone
}

// inboxRow is one message as a phone knows it: received, or sent by itself or by an own device.
type inboxRow struct {
	seq          int64
	id           string
	chat, sender types.JID // by number
	fromMe       bool
	status       int
	at           time.Time
	message      *waE2E.Message
}

// addInbox puts a row into the batch. A message that is there already stays as it is.
func (s *Server) addInbox(a *account, r *inboxRow) {
	data, err := proto.Marshal(r.message)
	if err != nil {
		s.log.Error("sandbox: a message cannot be kept", "error", err)
		return
	}
	s.seq++
	r.seq = s.seq
	s.put(`INSERT OR IGNORE INTO inbox(seq,number,chat,sender,id,from_me,status,at,message) VALUES(?,?,?,?,?,?,?,?,?)`,
		r.seq, a.number, r.chat.String(), r.sender.String(), r.id, r.fromMe, r.status, r.at.UnixMilli(), data)
}

// raiseStatus notes a receipt for a message the account sent. A status never goes back.
func (s *Server) raiseStatus(a *account, id string, status int) {
	if status > statusServer {
		s.put(`UPDATE inbox SET status=max(status,?) WHERE number=? AND id=? AND from_me=1`, status, a.number, id)
	}
}

// markRead notes that the owner has read messages they received, on the phone or on a linked device.
func (s *Server) markRead(a *account, ids []string) {
	for _, id := range ids {
		s.put(`UPDATE inbox SET status=max(status,?) WHERE number=? AND id=? AND from_me=0`, statusRead, a.number, id)
	}
}

const inboxColumns = `seq,id,chat,sender,from_me,status,at,message`

// scanInbox reads one row of inboxColumns.
func scanInbox(scan func(...any) error) (*inboxRow, error) {
	var chat, sender string
	var at int64
	var data []byte
	r := &inboxRow{message: new(waE2E.Message)}
	if err := scan(&r.seq, &r.id, &chat, &sender, &r.fromMe, &r.status, &at, &data); err != nil {
		return nil, err
	}
	r.at = time.UnixMilli(at)
	r.chat, _ = types.ParseJID(chat)
	r.sender, _ = types.ParseJID(sender)
	return r, proto.Unmarshal(data, r.message)
}

// inboxBySeq returns a row of a phone, nil when there is none.
func (s *Server) inboxBySeq(number string, seq int64) (*inboxRow, error) {
	return s.inboxRow(`SELECT `+inboxColumns+` FROM inbox WHERE number=? AND seq=?`, number, seq)
}

// inboxByID returns the message of this id that a phone knows, nil when there is none.
func (s *Server) inboxByID(number, id string) (*inboxRow, error) {
	return s.inboxRow(`SELECT `+inboxColumns+` FROM inbox WHERE number=? AND id=? ORDER BY seq DESC LIMIT 1`, number, id)
}

func (s *Server) inboxRow(query string, args ...any) (*inboxRow, error) {
	r, err := scanInbox(s.db.read.QueryRow(query, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

// inboxAfter lists rows of a phone in order.
func (s *Server) inboxAfter(number string, after int64, limit int) ([]*inboxRow, error) {
	if limit <= 0 {
		limit = 1000
	}
	var rows []*inboxRow
	err := each(s.db.read, `SELECT `+inboxColumns+` FROM inbox WHERE number=? AND seq>? ORDER BY seq LIMIT ?`,
		[]any{number, after, limit}, func(scan func(...any) error) error {
			r, err := scanInbox(scan)
			rows = append(rows, r)
			return err
		})
	return rows, err
}
