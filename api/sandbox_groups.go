package api

import "time"

// SandboxNewGroup is a group to make. Phones are named by the digits of their number.
type SandboxNewGroup struct {
	Subject      string   `json:"subject"`
	Description  string   `json:"description,omitempty"`
	Creator      string   `json:"creator"`
	Members      []string `json:"members"` // beside the creator
	Announce     bool     `json:"announce,omitempty"`
	Locked       bool     `json:"locked,omitempty"`
	Ephemeral    uint32   `json:"ephemeral,omitempty"`
	AdminsAdd    bool     `json:"adminsAdd,omitempty"`
	JoinApproval bool     `json:"joinApproval,omitempty"`
}

// SandboxGroup is a group of the sandbox.
type SandboxGroup struct {
	JID          string          `json:"jid"`
	Subject      string          `json:"subject"`
	Description  string          `json:"description"`
	Creator      string          `json:"creator"`
	CreatedAt    time.Time       `json:"createdAt"`
	Announce     bool            `json:"announce"`     // only admins may write
	Locked       bool            `json:"locked"`       // only admins may change subject and description
	Ephemeral    uint32          `json:"ephemeral"`    // seconds until messages disappear; 0 means never
	AdminsAdd    bool            `json:"adminsAdd"`    // only admins may add members
	JoinApproval bool            `json:"joinApproval"` // an admin must let in who comes by link
	Members      []SandboxMember `json:"members"`
	Requests     []string        `json:"requests"` // phones that wait to be let in
}

// SandboxMember is a member of a group.
type SandboxMember struct {
	Phone string `json:"phone"`
	LID   string `json:"lid"`
	Rank  string `json:"rank"` // superadmin (who made the group), admin, or ""
}

// SandboxMembersChange is what happens to members of a group: add, remove, promote, demote, approve or reject, done by a phone;
// or leave and join (by link), done by the phones themselves.
type SandboxMembersChange struct {
	Action string   `json:"action"`
	Phones []string `json:"phones"`
	By     string   `json:"by,omitempty"` // the first admin when empty
}

// SandboxMemberResult is the outcome for one phone. Error is 0, or the protocol's code of why not.
type SandboxMemberResult struct {
	Phone string `json:"phone"`
	Error int    `json:"error"`
}

// SandboxGroupChange is a change of a group's settings by a phone. What is missing stays as it is.
type SandboxGroupChange struct {
	By           string  `json:"by,omitempty"` // the first admin when empty
	Subject      *string `json:"subject,omitempty"`
	Description  *string `json:"description,omitempty"`
	Announce     *bool   `json:"announce,omitempty"`
	Locked       *bool   `json:"locked,omitempty"`
	Ephemeral    *uint32 `json:"ephemeral,omitempty"`
	AdminsAdd    *bool   `json:"adminsAdd,omitempty"`
	JoinApproval *bool   `json:"joinApproval,omitempty"`
}
