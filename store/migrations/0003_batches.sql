-- Messages that go out one after the other with a pause between: the batch, and
-- what was asked for. Times are unix milliseconds.

-- state: running, done or cancelled. sentAt is when the last item came to its end
-- that had reached WhatsApp, 0 before: the next one waits from then.
CREATE TABLE batches (
  seq       INTEGER PRIMARY KEY,
  id        TEXT    NOT NULL UNIQUE,
  sessionId TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  state     TEXT    NOT NULL,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL,
  sentAt    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX batches_session ON batches (sessionId, sentAt);
CREATE INDEX batches_open ON batches (sessionId, seq) WHERE state = 'running';

-- body is the request, until the item has come to its end. state: open, sent,
-- failed or cancelled. The job of an item that was tried is in jobs.
CREATE TABLE batch_items (
  seq       INTEGER PRIMARY KEY,
  batchId   TEXT    NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
  idx       INTEGER NOT NULL,
  messageId TEXT    NOT NULL,
  body      BLOB,
  state     TEXT    NOT NULL,
  jobId     TEXT    NOT NULL DEFAULT '',
  error     TEXT    NOT NULL DEFAULT '',
  UNIQUE (batchId, idx)
);
CREATE INDEX batch_items_open ON batch_items (batchId, idx) WHERE state = 'open';
