package store

import (
	"encoding/json"
	"time"
)

// JobState is where a job is on its way out.
type JobState string

// The states of a job. The last three are final.
const (
	JobQueued    JobState = "queued"
	JobSending   JobState = "sending"
	JobSent      JobState = "sent"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Job is one message to be sent. Its MessageID is fixed when it is accepted, so
// that a repeat after a crash is the same message to WhatsApp.
type Job struct {
	ID          string // job_…; AddJob makes one when it is empty
	Session     string
	Key         string // Idempotency-Key, or ""
	Fingerprint string // of the request; the same Key with another one is a conflict
	MessageID   string
	To          string // JID
	Content     Content
	State       JobState
	Code        string // why it failed, a stable word
	Error       string // why it failed, a sentence
	Chat        string // JID it was sent to in the end
	SentAt      time.Time
	Sent        json.RawMessage // protojson of what went out; nil before
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Deadline    time.Time // zero for none
	Attempts    int
}
