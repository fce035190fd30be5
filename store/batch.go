package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// BatchState is where a batch, or one of its items, is on its way out.
type BatchState string

// The states of a batch are running, done and cancelled; those of an item open,
// sent, failed and cancelled.
const (
	BatchRunning   BatchState = "running"
	BatchDone      BatchState = "done"
	BatchCancelled BatchState = "cancelled"
	ItemOpen       BatchState = "open"
	ItemSent       BatchState = "sent"
	ItemFailed     BatchState = "failed"
	ItemCancelled  BatchState = "cancelled"
)

// Batch is a list of messages that go out one after the other, with a pause
// between, and that a crash does not stop.
type Batch struct {
	ID        string // batch_…
	Session   string
	State     BatchState
	Items     []BatchItem // in order
	CreatedAt time.Time
	UpdatedAt time.Time
}

// BatchItem is one message of a batch.
type BatchItem struct {
	Index     int
	MessageID string          // fixed when the batch is accepted
	Body      json.RawMessage // what was asked for; nil once the item has come to its end, and in [DB.Batch]
	State     BatchState
	JobID     string // of the job that sent it; "" when it never became one
	Error     string // why it failed, a sentence
}

// NextItem is the item that is to go out next.
type NextItem struct {
	BatchItem
	Batch  string    // the batch's id
	SentAt time.Time // when the session's last item had gone out, zero for never
}

// AddBatch accepts items, of which Index, MessageID and Body count, to be sent
// in this order behind the batches that the session has already. Items that are
// known to be wrong have State failed and their Error; they are over at once.
func (db *DB) AddBatch(ctx context.Context, session string, items []BatchItem) (*Batch, error) {
	b := &Batch{ID: randomID("batch_"), Session: session, State: BatchDone}
	if slices.ContainsFunc(items, func(i BatchItem) bool { return i.State != ItemFailed }) {
		b.State = BatchRunning
	}
	err := db.UpdateSealed(ctx, func(s Sealer) (func(*Tx) error, error) {
		bodies := make([][]byte, len(items))
		for n, i := range items {
			var err error
			if i.State == ItemFailed {
				continue
			}
			if bodies[n], err = s.Seal("", classItem, itemKey(b.ID, i.Index), i.Body); err != nil {
				return nil, err
			}
		}
		return func(tx *Tx) error { return addBatch(tx, b, items, bodies) }, nil
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

func itemKey(batch string, index int) string { return fmt.Sprintf("%s|%d", batch, index) }

func addBatch(tx *Tx, b *Batch, items []BatchItem, bodies [][]byte) error {
	b.CreatedAt, b.UpdatedAt, b.Items = tx.Now, tx.Now, nil
	now := toMillis(tx.Now)
	if _, err := tx.Exec(`INSERT INTO batches (id, sessionId, state, createdAt, updatedAt) VALUES (?, ?, ?, ?, ?)`, b.ID, b.Session, b.State, now, now); err != nil {
		return noSession(err)
	}
	for n, i := range items {
		i.State = cmp.Or(i.State, ItemOpen)
		if _, err := tx.Exec(`INSERT INTO batch_items (batchId, idx, messageId, body, state, error) VALUES (?, ?, ?, ?, ?, ?)`,
			b.ID, i.Index, i.MessageID, bodies[n], i.State, i.Error); err != nil {
			return err
		}
		i.Body = nil
		b.Items = append(b.Items, i)
	}
	return nil
}

// Batch returns a batch of the session with all its items, or the error
// batch_not_found.
func (db *DB) Batch(ctx context.Context, session, id string) (b *Batch, err error) {
	err = db.View(ctx, func(tx *Tx) (err error) {
		b, err = readBatch(tx, session, id)
		return err
	})
	return b, err
}

func readBatch(tx *Tx, session, id string) (*Batch, error) {
	b := &Batch{ID: id, Session: session}
	var created, updated int64
	err := tx.QueryRow(`SELECT state, createdAt, updatedAt FROM batches WHERE sessionId = ? AND id = ?`, session, id).Scan(&b.State, &created, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, Errorf(CodeNotFound, "batch_not_found", "Batch not found")
	}
	if err != nil {
		return nil, err
	}
	b.CreatedAt, b.UpdatedAt = fromMillis(created), fromMillis(updated)
	rows, err := tx.Query(`SELECT idx, messageId, state, jobId, error FROM batch_items WHERE batchId = ? ORDER BY idx`, id)
	b.Items, err = collect(rows, err, func(row scanner) (i BatchItem, err error) {
		return i, row.Scan(&i.Index, &i.MessageID, &i.State, &i.JobID, &i.Error)
	})
	return b, err
}

// NextBatchItem returns the item of the session that is to go out next, or nil
// when there is none: the first open one of its oldest batch that is running.
func (db *DB) NextBatchItem(ctx context.Context, session string) (*NextItem, error) {
	var n *NextItem
	err := db.View(ctx, func(tx *Tx) error {
		n = &NextItem{}
		var body []byte
		var sent int64
		err := tx.QueryRow(`SELECT b.id, i.idx, i.messageId, i.body, i.state, (SELECT MAX(sentAt) FROM batches WHERE sessionId = ?1)
			FROM batches AS b INDEXED BY batches_open JOIN batch_items AS i ON i.batchId = b.id AND i.state = 'open'
			WHERE b.sessionId = ?1 AND b.state = 'running' ORDER BY b.seq, i.idx LIMIT 1`, session).
			Scan(&n.Batch, &n.Index, &n.MessageID, &body, &n.State, &sent)
		if errors.Is(err, sql.ErrNoRows) {
			n = nil
			return nil
		}
		if err == nil {
			n.SentAt = fromMillis(sent)
			n.Body, err = tx.Unseal("", classItem, itemKey(n.Batch, n.Index), body)
		}
		return err
	})
	return n, err
}

// EndBatchItem notes how an item ended: State, JobID and Error. The batch is
// done with its last one. It answers false when the batch was cancelled, or is
// gone with its session, meanwhile; an item that was sent nevertheless, because
// it was on the wire already, is noted also then.
func (db *DB) EndBatchItem(ctx context.Context, batch string, i BatchItem) (noted bool, err error) {
	err = db.Update(ctx, func(tx *Tx) (err error) {
		noted, err = changed(tx.Exec(`UPDATE batch_items SET state = ?, jobId = ?, error = ?, body = NULL
			WHERE batchId = ? AND idx = ? AND (state = 'open' OR state = 'cancelled' AND ? = 'sent')`,
			i.State, i.JobID, i.Error, batch, i.Index, i.State))
		if err != nil || !noted {
			return err
		}
		now, sent := toMillis(tx.Now), int64(0)
		if i.JobID != "" {
			sent = now
		}
		_, err = tx.Exec(`UPDATE batches SET updatedAt = ?1, sentAt = MAX(sentAt, ?2),
			state = CASE WHEN state <> 'running' OR EXISTS (SELECT 1 FROM batch_items WHERE batchId = ?3 AND state = 'open') THEN state ELSE 'done' END
			WHERE id = ?3`, now, sent, batch)
		return err
	})
	return noted, err
}

// CancelBatch takes back the items of a batch that have not ended. It answers
// false when there is nothing left to take back. An item that is on its way
// stays so.
func (db *DB) CancelBatch(ctx context.Context, session, id string) (cancelled bool, err error) {
	err = db.Update(ctx, func(tx *Tx) (err error) {
		cancelled, err = changed(tx.Exec(`UPDATE batches SET state = 'cancelled', updatedAt = ? WHERE sessionId = ? AND id = ? AND state = 'running'`, toMillis(tx.Now), session, id))
		if err != nil || !cancelled {
			return err
		}
		_, err = tx.Exec(`UPDATE batch_items SET state = 'cancelled', body = NULL, error = 'The batch was cancelled before this message was sent' WHERE batchId = ? AND state = 'open'`, id)
		return err
	})
	return cancelled, err
}

// SessionsWithBatches returns the ids of the sessions that have a batch running.
func (db *DB) SessionsWithBatches(ctx context.Context) (ids []string, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.Query("SELECT DISTINCT sessionId FROM batches WHERE state = 'running' ORDER BY sessionId")
		ids, err = collect(rows, err, func(row scanner) (id string, err error) { return id, row.Scan(&id) })
		return err
	})
	return ids, err
}
