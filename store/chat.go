package store

import "time"

// Chat is a conversation of a session, kept up to date from its messages.
type Chat struct {
	Session       string
	ID            string // JID
	Phone         string // digits
	Name          string
	LastMessageAt time.Time
	Unread        int
}

// ChatQuery chooses chats of one session, the latest first.
type ChatQuery struct {
	Session string
	Offset  int
	Limit   int // 0 means 25, at most 1000
}
