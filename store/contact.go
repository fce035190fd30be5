package store

import "time"

// Contact is a person or business that a session knows.
type Contact struct {
	Seq          int64 // row id, given by the store
	Session      string
	ID           string // JID
	Phone        string // digits; empty when unknown
	LID          string // empty when unknown
	Name         string // as in the phone's address book
	PushName     string // as the person chose
	BusinessName string
	UpdatedAt    time.Time
}

// ContactQuery chooses contacts of one session, by Seq.
type ContactQuery struct {
	Session string
	Search  string // part of a name, phone or JID; "" for all
	After   int64  // only rows with a greater Seq
	Limit   int    // 0 means 25, at most 1000
}
