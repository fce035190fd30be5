package store

import "time"

// Group is a WhatsApp group as one of its members sees it. It is asked of WhatsApp whenever it is needed and kept nowhere.
type Group struct {
	JID         string
	Name        string
	Description string
	Owner       string // who made it: a phone number JID where that is known, else as OwnerLID; "" when WhatsApp does not tell
	OwnerLID    string
	Members     int
	Admin       bool // the session's own account may change the group
	CreatedAt   time.Time
}
