package store

import "context"

// EarlierJob returns the job by which the session accepted the same message
// before: under the Key of j, or, where the caller chose it, under the MessageID.
// It is nil when there is none. What was accepted under them must have the
// fingerprint of j, else the error is idempotency_conflict or message_id_used.
//
// A message id is free again when its job was cancelled; one that failed may be
// sent once more.
func (db *DB) EarlierJob(ctx context.Context, j *Job) (old *Job, err error) {
	if j.Key == "" && !j.Chosen {
		return nil, nil
	}
	err = db.readLatest(ctx, func(tx *Tx) (err error) {
		old, err = earlierJob(tx, j)
		return err
	})
	return old, err
}

func earlierJob(tx *Tx, j *Job) (*Job, error) {
	if old, err := sameKey(tx, j); old != nil || err != nil {
		return old, err
	}
	return sameMessageID(tx, j)
}

// sameKey returns the job that was accepted under the key of j, or with its id, or
// nil.
func sameKey(tx *Tx, j *Job) (*Job, error) {
	if j.ID != "" {
		old, err := tx.scanJob(tx.QueryRow("SELECT "+jobColumns+" FROM jobs WHERE id = ? AND sessionId = ?", j.ID, j.Session))
		if ErrorCode(err) != CodeNotFound {
			return old, err
		}
	}
	if j.Key == "" {
		return nil, nil
	}
	old, err := jobWithKey(tx, j.Session, j.Key)
	if old == nil || err != nil {
		return nil, err
	}
	if old.Fingerprint != j.Fingerprint || j.Chosen && old.MessageID != j.MessageID {
		e := Errorf(CodeConflict, "idempotency_conflict", "This Idempotency-Key was used for another request")
		e.Hint = "Use a new key for a new message."
		return nil, e
	}
	return old, nil
}

// sameMessageID returns the job that was accepted under the message id that the
// caller of j chose, or nil when j may be sent under it. Ids of our own are
// random: nobody has to look for them.
func sameMessageID(tx *Tx, j *Job) (*Job, error) {
	if !j.Chosen {
		return nil, nil
	}
	old, err := tx.scanJob(tx.QueryRow("SELECT "+jobColumns+` FROM jobs INDEXED BY jobs_message
		WHERE sessionId = ? AND messageId = ? AND state <> 'cancelled' ORDER BY state = 'failed', seq DESC LIMIT 1`, j.Session, j.MessageID))
	switch {
	case ErrorCode(err) == CodeNotFound:
		return nil, sentOtherwise(tx, j)
	case err != nil:
		return nil, err
	case old.Fingerprint != j.Fingerprint:
		return nil, errMessageIDUsed()
	case old.State == JobFailed:
		return nil, nil
	}
	return old, nil
}

// sentOtherwise is an error when the account has sent something under the
// message id of j that is no job: another device did, or the job is long gone.
func sentOtherwise(tx *Tx, j *Job) (err error) {
	var sent bool
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM chat_history WHERE sessionId = ? AND messageId = ? AND direction = 'outgoing')`,
		j.Session, j.MessageID).Scan(&sent)
	if err == nil && sent {
		err = errMessageIDUsed()
	}
	return err
}

func errMessageIDUsed() error {
	e := Errorf(CodeConflict, "message_id_used", "Another message was sent under this message id already")
	e.Hint = "Choose another id, or leave it out; only the same message to the same recipient may be sent again under its id."
	return e
}

// JobByKey returns the job that the session accepted under an Idempotency-Key,
// or nil when there is none.
func (db *DB) JobByKey(ctx context.Context, session, key string) (j *Job, err error) {
	err = db.readLatest(ctx, func(tx *Tx) (err error) {
		j, err = jobWithKey(tx, session, key)
		return err
	})
	return j, err
}

func jobWithKey(tx *Tx, session, key string) (*Job, error) {
	j, err := tx.scanJob(tx.QueryRow("SELECT "+jobColumns+" FROM jobs WHERE sessionId = ? AND key = ? AND key <> ''", session, key))
	if ErrorCode(err) == CodeNotFound {
		return nil, nil
	}
	return j, err
}
