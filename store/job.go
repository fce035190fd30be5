package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
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
	Chosen      bool   // the caller chose MessageID, so it may be taken; not stored
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

const jobColumns = `id, sessionId, key, fingerprint, messageId, recipient, content, state, code, error, chat, sentAt, sent, createdAt, updatedAt, deadline, attempts`

func (tx *Tx) scanJob(row scanner) (*Job, error) {
	var j Job
	var content, sent []byte
	var sentAt, created, updated, deadline int64
	err := row.Scan(&j.ID, &j.Session, &j.Key, &j.Fingerprint, &j.MessageID, &j.To, &content, &j.State, &j.Code, &j.Error,
		&j.Chat, &sentAt, &sent, &created, &updated, &deadline, &j.Attempts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoJob()
	}
	if err != nil {
		return nil, err
	}
	j.SentAt, j.CreatedAt, j.UpdatedAt, j.Deadline = fromMillis(sentAt), fromMillis(created), fromMillis(updated), fromMillis(deadline)
	if j.Sent, err = tx.Unseal(j.Session, classSent, j.ID, sent); err != nil {
		return nil, err
	}
	if content, err = tx.Unseal(j.Session, classContent, j.ID, content); err != nil {
		return nil, err
	}
	return &j, json.Unmarshal(content, &j.Content)
}

func errNoJob() error { return Errorf(CodeNotFound, "job_not_found", "Job not found") }

// AddJob accepts a message to be sent, with the bytes of its media or nil, and
// returns the job as it is stored. When the session has accepted the same before
// (see [DB.EarlierJob]), that job is returned and the flag is true. j is not
// changed.
func (db *DB) AddJob(ctx context.Context, j *Job, media []byte) (stored *Job, existed bool, err error) {
	content, err := json.Marshal(j.Content)
	if err != nil {
		return nil, false, err
	}
	id := j.ID
	if id == "" {
		id = NewJobID()
	}
	err = db.UpdateSealed(ctx, func(s Sealer) (func(*Tx) error, error) {
		sealed, err := s.Seal(j.Session, classContent, id, content)
		if err != nil {
			return nil, err
		}
		sealedMedia, err := media, error(nil)
		if len(media) > 0 {
			sealedMedia, err = s.Seal("", classMedia, id, media)
		}
		return func(tx *Tx) (err error) {
			if stored, err = earlierJob(tx, j); stored != nil || err != nil {
				existed = stored != nil
				return err
			}
			fresh := *j
			fresh.ID = id
			stored, existed = &fresh, false
			return addJob(tx, stored, SecretText(sealed), sealedMedia)
		}, err
	})
	if err != nil {
		return nil, false, err
	}
	return stored, existed, nil
}

// NewJobID makes an id for a job that nobody can guess. It begins with the time, so that
// the ids of jobs that are written together are neighbours in their index.
func NewJobID() string {
	at := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli()))[2:]
	return "job_" + strings.ToLower(idEncoding.EncodeToString(at)+rand.Text()[:16])
}

// idEncoding is one whose texts are in the order of what they encode.
var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

func addJob(tx *Tx, j *Job, content any, media []byte) error {
	j.State, j.CreatedAt, j.UpdatedAt = JobQueued, tx.Now, tx.Now
	now := toMillis(tx.Now)
	_, err := tx.Exec(`INSERT INTO jobs (id, sessionId, key, fingerprint, messageId, recipient, content, state, chat, createdAt, updatedAt, deadline)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		j.ID, j.Session, j.Key, j.Fingerprint, j.MessageID, j.To, content, j.State, j.Chat, now, now, toMillis(j.Deadline))
	if err != nil || len(media) == 0 {
		return noSession(err)
	}
	_, err = tx.Exec("INSERT INTO job_media (jobId, data) VALUES (?, ?)", j.ID, media)
	return err
}

// Job returns one job of the session, or the error job_not_found.
func (db *DB) Job(ctx context.Context, session, id string) (j *Job, err error) {
	err = db.readLatest(ctx, func(tx *Tx) (err error) {
		j, err = tx.scanJob(tx.QueryRow("SELECT "+jobColumns+" FROM jobs WHERE id = ? AND sessionId = ?", id, session))
		return err
	})
	return j, err
}

// JobMedia returns the bytes that the job is to send; nil when it has none, or
// none any more because it is done.
func (db *DB) JobMedia(ctx context.Context, id string) (data []byte, err error) {
	err = db.readLatest(ctx, func(tx *Tx) error {
		err := tx.QueryRow("SELECT data FROM job_media WHERE jobId = ?", id).Scan(&data)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			data, err = tx.Unseal("", classMedia, id, data)
		}
		return err
	})
	return data, err
}

// PlaceJob returns the write that accepts a job with an ID and a CreatedAt of the
// caller's, and without media, as one that is on its way already.
func (j *Job) PlaceJob(s Sealer) (func(*Tx) error, error) {
	content, err := json.Marshal(j.Content)
	if err == nil {
		content, err = s.Seal(j.Session, classContent, j.ID, content)
	}
	at, deadline := toMillis(j.CreatedAt), toMillis(j.Deadline)
	return func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO jobs (id, sessionId, fingerprint, messageId, recipient, content, state, createdAt, updatedAt, deadline, attempts)
			VALUES (?, ?, ?, ?, ?, ?, 'sending', ?, ?, ?, 1) ON CONFLICT (id) DO UPDATE SET state = 'sending', attempts = attempts + 1
			WHERE state IN ('queued', 'sending')`,
			j.ID, j.Session, j.Fingerprint, j.MessageID, j.To, SecretText(content), at, at, deadline)
		return noSession(err)
	}, err
}

// StartJob notes that the job is on its way and counts the attempt. One that is
// over stays so.
func (tx *Tx) StartJob(id string) error {
	_, err := tx.Exec(`UPDATE jobs SET state = 'sending', attempts = attempts + 1, updatedAt = ?
		WHERE id = ? AND state IN ('queued', 'sending')`, toMillis(tx.Now), id)
	return err
}

// FinishJob writes State, Code, Error, Chat, SentAt and Sent of the job, drops
// its media and records the entries, all in one transaction.
func (db *DB) FinishJob(ctx context.Context, j *Job, entries ...Entry) error {
	return db.UpdateSealed(ctx, func(s Sealer) (func(*Tx) error, error) { return db.finishing(s, j, entries) })
}

// FinishLater is FinishJob for who need not wait for the disk: the commit comes up
// to d later, and after is told of it, see [DB.later]. Whoever reads jobs, messages
// or events from then on sees the outcome.
func (db *DB) FinishLater(d time.Duration, j *Job, after func(error), entries ...Entry) {
	db.laterSealed(d, func(s Sealer) (func(*Tx) error, error) { return db.finishing(s, j, entries) }, after)
}

func (db *DB) finishing(s Sealer, j *Job, entries []Entry) (func(*Tx) error, error) {
	if !db.history.whole() {
		rest, err := db.rest(s, j)
		return func(tx *Tx) error { return finishJob(tx, j, nil, rest, entries) }, err
	}
	sent, err := s.Seal(j.Session, classSent, j.ID, j.Sent)
	return func(tx *Tx) error { return finishJob(tx, j, SecretText(sent), nil, entries) }, err
}

// rest is what is kept of the content of a job that is over; nil is all of it.
func (db *DB) rest(s Sealer, j *Job) (any, error) {
	rest, err := db.history.rest(j.Content)
	if err == nil {
		rest, err = s.Seal(j.Session, classContent, j.ID, rest)
	}
	return SecretText(rest), err
}

func finishJob(tx *Tx, j *Job, sent, rest any, entries []Entry) error {
	found, err := changed(tx.Exec(`UPDATE jobs SET state = ?, code = ?, error = ?, chat = ?, sentAt = ?, sent = ?, content = COALESCE(?, content), updatedAt = ? WHERE id = ?`,
		j.State, j.Code, j.Error, j.Chat, toMillis(j.SentAt), sent, rest, toMillis(tx.Now), j.ID))
	if err != nil {
		return err
	}
	if !found {
		return errNoJob()
	}
	if err := dropMedia(tx, j.ID); err != nil {
		return err
	}
	tx.counts.job(j.State)
	_, err = record(tx, j.Session, entries)
	return err
}

// CancelJob takes the job back. It answers false when it is on its way or done,
// as far as the database knows: whoever sends jobs must not be about to.
func (db *DB) CancelJob(ctx context.Context, id string) (cancelled bool, err error) {
	j := &Job{ID: id}
	if !db.history.whole() { // what is kept of it depends on what it is
		err := db.readLatest(ctx, func(tx *Tx) (err error) {
			j, err = tx.scanJob(tx.QueryRow("SELECT "+jobColumns+" FROM jobs WHERE id = ?", id))
			return err
		})
		if err != nil {
			return false, err
		}
	}
	err = db.UpdateSealed(ctx, func(s Sealer) (func(*Tx) error, error) {
		rest, err := db.rest(s, j)
		return func(tx *Tx) (err error) {
			cancelled, err = changed(tx.Exec("UPDATE jobs SET state = 'cancelled', content = COALESCE(?, content), updatedAt = ? WHERE id = ? AND state = 'queued'", rest, toMillis(tx.Now), id))
			if err != nil || !cancelled {
				return err
			}
			return dropMedia(tx, id)
		}, err
	})
	return cancelled, err
}

// SessionsWithJobs returns the ids of the sessions that have something to send.
func (db *DB) SessionsWithJobs(ctx context.Context) (ids []string, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.Query("SELECT DISTINCT sessionId FROM jobs WHERE state IN ('queued', 'sending') ORDER BY sessionId")
		ids, err = collect(rows, err, func(row scanner) (id string, err error) { return id, row.Scan(&id) })
		return err
	})
	return ids, err
}

func dropMedia(tx *Tx, job string) error {
	_, err := tx.Exec("DELETE FROM job_media WHERE jobId = ?", job)
	return err
}
