package api

import "time"

// SandboxCall is a call of one sandbox phone to another.
type SandboxCall struct {
	ID    string    `json:"id"`
	From  string    `json:"from"`
	To    string    `json:"to"`
	Video bool      `json:"video"`
	At    time.Time `json:"at"`
	State string    `json:"state"` // ringing, accepted, rejected, ended
}

// SandboxProfile changes what people see of a phone; what is nil stays.
type SandboxProfile struct {
	About         *string `json:"about"`
	Picture       []byte  `json:"picture"` // JPEG, base64 in JSON
	RemovePicture bool    `json:"removePicture"`
}

// SandboxNewNewsletter is a newsletter to be made.
type SandboxNewNewsletter struct {
	Owner       string `json:"owner"` // phone
	Name        string `json:"name"`
	Description string `json:"description"`
}

// SandboxNewsletter is a newsletter with what came of its posts.
type SandboxNewsletter struct {
	JID         string        `json:"jid"`
	Name        string        `json:"name"`
	Description string        `json:"description"`
	Owner       string        `json:"owner"`
	Invite      string        `json:"invite"`
	Followers   []string      `json:"followers"`
	Posts       []SandboxPost `json:"posts"`
}

// SandboxNewPost is what to post in a newsletter: a text, or a file with a caption.
type SandboxNewPost struct {
	Type     string `json:"type"` // "" means text
	Text     string `json:"text"`
	Caption  string `json:"caption"`
	Mimetype string `json:"mimetype"`
	FileName string `json:"fileName"`
	Data     []byte `json:"data"` // the file, base64 in JSON
}

// SandboxPost is a message of a newsletter.
type SandboxPost struct {
	ServerID  int            `json:"serverId"`
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	Text      string         `json:"text"`
	Views     int            `json:"views"`
	Reactions map[string]int `json:"reactions"`
	At        time.Time      `json:"at"`
}
