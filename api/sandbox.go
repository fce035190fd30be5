package api

import (
	"context"
	"encoding/json"
	"time"
)

// Sandbox is what the control routes under /v1/sandbox drive: the simulated WhatsApp and the phones on it. svc/sandbox fills it.
// Phones are named by the digits of their number. Errors are *store.Error: not_found for an unknown phone or message,
// invalid for bad input, conflict for a state that forbids the call.
type Sandbox interface {
	// AddPhone makes a phone with an account, or returns the one that has this number.
	AddPhone(ctx context.Context, phone, name string) (SandboxPhone, error)
	// Phones lists all phones, by number.
	Phones(ctx context.Context) ([]SandboxPhone, error)
	// Phone returns one phone with its settings, or not_found.
	Phone(ctx context.Context, phone string) (SandboxPhone, error)
	// Scan links the device that shows this QR text, as a person with this phone would.
	Scan(ctx context.Context, phone, qr string) error
	// EnterCode links the device that shows this pairing code.
	EnterCode(ctx context.Context, phone, code string) error
	// Send sends one message from the phone.
	Send(ctx context.Context, phone string, m SandboxMessage) (SandboxSent, error)
	// SendBulk sends count messages; a text gets " #n" added, n from 1.
	SendBulk(ctx context.Context, phone string, m SandboxMessage, count int) ([]SandboxSent, error)
	// Inbox lists what the phone received or its own linked devices sent, in order, with Seq above after.
	Inbox(ctx context.Context, phone string, after int64, limit int) ([]SandboxReceived, error)
	// Media returns the decrypted media bytes of one inbox message.
	Media(ctx context.Context, phone string, seq int64) (data []byte, mimetype string, err error)
	// Read tells the chat that the phone has read these messages; no ids means all of the chat.
	Read(ctx context.Context, phone, chat string, ids []string) error
	// Typing shows composing, recording or paused in the chat.
	Typing(ctx context.Context, phone, chat, state string) error
	// Presence makes the phone's owner available or unavailable.
	Presence(ctx context.Context, phone string, online bool) error
	// Unlink removes every linked device of the phone, as "Log out from all devices" does.
	Unlink(ctx context.Context, phone string) error
	// Change lets the owner change something in the app that linked devices learn by app state.
	Change(ctx context.Context, phone string, c SandboxChange) (SandboxChanged, error)
	// Fault arms a fault; it stays until its count is used up or it is cleared.
	Fault(ctx context.Context, f SandboxFault) error
	// Faults lists the armed faults.
	Faults(ctx context.Context) ([]SandboxFault, error)
	// ClearFaults disarms all.
	ClearFaults(ctx context.Context) error
	// Traffic lists stanzas between the server and the devices of the phone ("" means all), with Seq above after.
	Traffic(ctx context.Context, phone string, after int64, limit int) ([]SandboxStanza, error)
	// AddGroup makes a group of phones. Groups are named by their JID or its digits; an unknown one is not_found.
	AddGroup(ctx context.Context, n SandboxNewGroup) (SandboxGroup, error)
	// Groups lists all groups, the oldest first.
	Groups(ctx context.Context) ([]SandboxGroup, error)
	// Group returns one group, or not_found.
	Group(ctx context.Context, group string) (SandboxGroup, error)
	// ChangeMembers changes who is in a group, with an outcome for each phone.
	ChangeMembers(ctx context.Context, group string, c SandboxMembersChange) ([]SandboxMemberResult, error)
	// ChangeGroup changes the settings of a group.
	ChangeGroup(ctx context.Context, group string, c SandboxGroupChange) (SandboxGroup, error)
	// Invite returns the code in the group's link, a new one when renew is set.
	Invite(ctx context.Context, group, by string, renew bool) (code string, err error)
	// Call makes the phone ring another one.
	Call(ctx context.Context, phone, to string, video bool) (SandboxCall, error)
	// Calls lists the calls that the phone made or got, the oldest first.
	Calls(ctx context.Context, phone string) ([]SandboxCall, error)
	// EndCall ends a call that the phone made.
	EndCall(ctx context.Context, phone, call string) error
	// Block makes the phone block another one, or no longer.
	Block(ctx context.Context, phone, other string, blocked bool) error
	// SetProfile changes what people see of the phone.
	SetProfile(ctx context.Context, phone string, p SandboxProfile) error
	// AddNewsletter makes a newsletter of a phone.
	AddNewsletter(ctx context.Context, n SandboxNewNewsletter) (SandboxNewsletter, error)
	// Newsletters lists all newsletters, the oldest first.
	Newsletters(ctx context.Context) ([]SandboxNewsletter, error)
	// Post posts in a newsletter, which is named by its JID or the digits of it.
	Post(ctx context.Context, newsletter string, p SandboxNewPost) (SandboxPost, error)
	// SetClock moves the clock and returns its time.
	SetClock(ctx context.Context, c SandboxClockChange) (SandboxClock, error)
	// Reset forgets everything: phones, groups, devices, stanzas, media, faults, how the clock was moved.
	Reset(ctx context.Context) error
}

// SandboxPhone is a phone of the sandbox with what it saw so far.
type SandboxPhone struct {
	Phone          string          `json:"phone"`
	LID            string          `json:"lid"`
	Name           string          `json:"name"`
	Devices        []SandboxDevice `json:"devices"`
	Received       int             `json:"received"`
	Sent           int             `json:"sent"`
	Undecryptable  int             `json:"undecryptable"`
	ReusedCounters int             `json:"reusedCounters"`

	Settings *SandboxSettings `json:"settings,omitempty"` // of one phone, not in the list
}

// SandboxDevice is a device linked to a phone.
type SandboxDevice struct {
	ID     uint16 `json:"id"`
	JID    string `json:"jid"`
	Online bool   `json:"online"`
	Queued int    `json:"queued"` // stanzas waiting for it
}

// SandboxMessage is what a phone shall send. Type names the kind; the other fields are read as the kind needs them.
type SandboxMessage struct {
	To           string          `json:"to"`
	ID           string          `json:"id,omitempty"` // made up when empty
	Type         string          `json:"type"`
	Text         string          `json:"text,omitempty"`
	Caption      string          `json:"caption,omitempty"`
	Mimetype     string          `json:"mimetype,omitempty"`
	FileName     string          `json:"fileName,omitempty"`
	Data         []byte          `json:"data,omitempty"` // the media, base64 in JSON
	PTT          bool            `json:"ptt,omitempty"`
	GIF          bool            `json:"gif,omitempty"`
	PTV          bool            `json:"ptv,omitempty"`
	ViewOnce     bool            `json:"viewOnce,omitempty"`
	Seconds      uint32          `json:"seconds,omitempty"`
	Latitude     float64         `json:"latitude,omitempty"`
	Longitude    float64         `json:"longitude,omitempty"`
	Name         string          `json:"name,omitempty"`
	Address      string          `json:"address,omitempty"`
	DisplayName  string          `json:"displayName,omitempty"`
	VCards       []string        `json:"vcards,omitempty"`
	Options      []string        `json:"options,omitempty"`
	Selectable   int             `json:"selectable,omitempty"`   // how many options of a poll may be chosen; 0 means any number
	Target       string          `json:"target,omitempty"`       // message id that a reaction, edit, revoke, reply or vote is about
	TargetFromMe bool            `json:"targetFromMe,omitempty"` // the target was sent by this phone
	Extra        json.RawMessage `json:"extra,omitempty"`        // what a rare kind needs beyond this
	Raw          []byte          `json:"raw,omitempty"`          // protobuf waE2E.Message in base64, sent as it is
}

// SandboxSent tells which id a message of a phone got.
type SandboxSent struct {
	ID  string `json:"id"`
	Seq int64  `json:"seq"`
}

// SandboxReceived is one message as a phone saw it, decrypted.
type SandboxReceived struct {
	Seq         int64           `json:"seq"`
	ID          string          `json:"id"`
	Chat        string          `json:"chat"`
	From        string          `json:"from"`
	FromMe      bool            `json:"fromMe"`
	Type        string          `json:"type"`
	Text        string          `json:"text"`
	Content     json.RawMessage `json:"content,omitempty"` // the protocol message as JSON
	HasMedia    bool            `json:"hasMedia"`
	MediaSHA256 string          `json:"mediaSha256,omitempty"` // hex
	Mimetype    string          `json:"mimetype,omitempty"`
	FileName    string          `json:"fileName,omitempty"`
	At          time.Time       `json:"at"`
	Status      string          `json:"status,omitempty"` // of the phone's own messages: server, delivered, read, played
}

// SandboxFault is a fault to play.
type SandboxFault struct {
	Kind    string `json:"kind"`            // drop, 503, 515, replaced, device_removed, lost_ack, slow_ack, …
	Phone   string `json:"phone,omitempty"` // "" means all
	Count   int    `json:"count,omitempty"` // how often; 0 means once
	DelayMS int    `json:"delayMs,omitempty"`
	ForMS   int    `json:"forMs,omitempty"` // how long slow_network lasts, whatever the count
}

// SandboxClockChange moves the clock of the simulated service: to a time, or forward (back when negative). Neither leaves it as it is.
type SandboxClockChange struct {
	At             *time.Time
	ForwardSeconds int64
}

// SandboxClock is the clock of the simulated service.
type SandboxClock struct {
	At            time.Time `json:"at"`
	OffsetSeconds int64     `json:"offsetSeconds"` // how far it is ahead of the real one
}

// SandboxStanza is one stanza as readable XML.
type SandboxStanza struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Phone     string    `json:"phone"`
	Direction string    `json:"direction"` // in: from the device, out: to it
	XML       string    `json:"xml"`
}
