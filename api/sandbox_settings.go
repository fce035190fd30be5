package api

import "time"

// SandboxChange is something that the owner of a phone does in the app, beside writing messages, and that the phone tells its
// linked devices by app state. Kind names it; the other fields are read as the kind needs them.
type SandboxChange struct {
	Kind      string    `json:"kind"`                // name, contact, mute, pin, archive, read, clear, delete, star, deleteMessage, label, labelChat, labelMessage, unarchive
	Off       bool      `json:"off,omitempty"`       // takes it back
	Chat      string    `json:"chat,omitempty"`      // digits of a phone, or any JID, which is then used as it is
	Message   string    `json:"message,omitempty"`   // id of a message in the chat
	Contact   string    `json:"contact,omitempty"`   // digits of a phone; it need not be on the sandbox
	Name      string    `json:"name,omitempty"`      // of the owner, the contact or the label
	FirstName string    `json:"firstName,omitempty"` // of the contact; its name when empty
	Label     string    `json:"label,omitempty"`     // id of a label, digits
	Color     int32     `json:"color,omitempty"`     // of the label, 0 to 19
	Until     time.Time `json:"until,omitzero"`      // end of a mute; never when missing
	WithMedia bool      `json:"withMedia,omitempty"` // of clear, delete and deleteMessage: the files go too
}

// SandboxChanged tells which step of which app-state collection a change became.
type SandboxChanged struct {
	Collection string `json:"collection"`
	Version    uint64 `json:"version"`
}

// SandboxSettings is what the owner of a phone chose, on the phone or on a linked device, as the app state of the account has it.
type SandboxSettings struct {
	Name        string              `json:"name"`
	Unarchive   bool                `json:"unarchive"` // archived chats come back with a new message
	Contacts    []SandboxContact    `json:"contacts"`
	Chats       []SandboxChatState  `json:"chats"`
	Starred     []SandboxMessageRef `json:"starred"`
	Hidden      []SandboxMessageRef `json:"hidden"` // deleted for the owner alone
	Labels      []SandboxLabel      `json:"labels"`
	Collections []SandboxCollection `json:"collections"`
}

// SandboxCollection is how far an app-state collection has come.
type SandboxCollection struct {
	Name    string `json:"name"`
	Version uint64 `json:"version"`
}

// SandboxContact is an entry of a phone's address book.
type SandboxContact struct {
	Phone     string `json:"phone"`
	LID       string `json:"lid"` // digits; empty for who is not on the sandbox
	Name      string `json:"name"`
	FirstName string `json:"firstName"`
}

// SandboxChatState is what the owner chose for one chat.
type SandboxChatState struct {
	JID          string    `json:"jid"` // as the app state names the chat: by number or by LID
	Muted        bool      `json:"muted"`
	MutedUntil   time.Time `json:"mutedUntil,omitzero"` // missing while muted means for ever
	Pinned       bool      `json:"pinned"`
	Archived     bool      `json:"archived"`
	MarkedUnread bool      `json:"markedUnread"`
	ClearedUntil time.Time `json:"clearedUntil,omitzero"` // messages up to then were cleared
	Deleted      bool      `json:"deleted"`               // the chat was deleted then
}

// SandboxMessageRef names a message.
type SandboxMessageRef struct {
	Chat   string `json:"chat"`
	ID     string `json:"id"`
	FromMe bool   `json:"fromMe"`
}

// SandboxLabel is a label of a business account with what it is attached to.
type SandboxLabel struct {
	ID       string              `json:"id"`
	Name     string              `json:"name"`
	Color    int32               `json:"color"`
	Chats    []string            `json:"chats"`
	Messages []SandboxMessageRef `json:"messages"`
}
