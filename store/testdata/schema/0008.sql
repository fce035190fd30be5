-- The schema after migration 8, with a row in every table. Never change it.
PRAGMA application_id = 2002873720;
PRAGMA user_version = 8;
BEGIN;
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE epoch (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  boot    TEXT    NOT NULL,
  commits INTEGER NOT NULL
);
CREATE TABLE whatsapp_sessions (
  id        INTEGER PRIMARY KEY,
  sessionId TEXT    NOT NULL UNIQUE,
  status    TEXT    NOT NULL,
  createdAt TEXT    NOT NULL,
  updatedAt TEXT    NOT NULL,
  wanted    TEXT    NOT NULL,
  state     TEXT    NOT NULL,
  code      TEXT    NOT NULL DEFAULT '',
  reason    TEXT    NOT NULL DEFAULT '',
  next      TEXT    NOT NULL DEFAULT '',
  until     INTEGER NOT NULL DEFAULT 0,
  jid       TEXT    NOT NULL DEFAULT '',
  lid       TEXT    NOT NULL DEFAULT '',
  phone     TEXT    NOT NULL DEFAULT '',
  name      TEXT    NOT NULL DEFAULT '',
  platform  TEXT    NOT NULL DEFAULT '',
  metadata  TEXT    NOT NULL DEFAULT '{}'
);
CREATE TABLE auth_data (
  id        INTEGER PRIMARY KEY,
  sessionId TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     BLOB NOT NULL,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL,
  UNIQUE (sessionId, key),
  FOREIGN KEY (sessionId) REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE
);
CREATE TABLE chat_history (
  id          INTEGER PRIMARY KEY,
  sessionId   TEXT    NOT NULL,
  phoneNumber TEXT    NOT NULL,
  message     TEXT    NOT NULL,
  messageType TEXT    NOT NULL,
  direction   TEXT    NOT NULL CHECK (direction IN ('incoming', 'outgoing')),
  metadata    TEXT    NOT NULL DEFAULT '{}',
  timestamp   TEXT    NOT NULL,
  chat        TEXT    NOT NULL,
  sender      TEXT    NOT NULL,
  messageId   TEXT    NOT NULL,
  part        INTEGER NOT NULL DEFAULT 0,
  status      TEXT    NOT NULL DEFAULT '',
  raw         BLOB,
  editedAt    INTEGER NOT NULL DEFAULT 0,
  revokedAt   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sessionId, messageId, chat, sender, part),
  FOREIGN KEY (sessionId) REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE
);
CREATE TABLE message_receipts (
  sessionId TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  messageId TEXT    NOT NULL,
  recipient TEXT    NOT NULL,
  status    TEXT    NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (sessionId, messageId, recipient, status)
) WITHOUT ROWID;
CREATE TABLE chats (
  sessionId     TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  id            TEXT    NOT NULL,
  phone         TEXT    NOT NULL DEFAULT '',
  name          TEXT    NOT NULL DEFAULT '',
  lastMessageAt INTEGER NOT NULL DEFAULT 0,
  unread        INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sessionId, id)
) WITHOUT ROWID;
CREATE TABLE contacts (
  id           INTEGER PRIMARY KEY,
  sessionId    TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  jid          TEXT    NOT NULL,
  phone        TEXT    NOT NULL DEFAULT '',
  lid          TEXT    NOT NULL DEFAULT '',
  name         TEXT    NOT NULL DEFAULT '',
  pushName     TEXT    NOT NULL DEFAULT '',
  businessName TEXT    NOT NULL DEFAULT '',
  updatedAt    INTEGER NOT NULL, firstName TEXT NOT NULL DEFAULT '', redactedPhone TEXT NOT NULL DEFAULT '',
  UNIQUE (sessionId, jid)
);
CREATE TABLE events (
  seq       INTEGER PRIMARY KEY,
  id        TEXT    NOT NULL UNIQUE,
  sessionId TEXT REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  type      TEXT    NOT NULL,
  timestamp INTEGER NOT NULL,
  data      TEXT    NOT NULL
);
CREATE TABLE jobs (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL UNIQUE,
  sessionId   TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  key         TEXT    NOT NULL DEFAULT '',
  fingerprint TEXT    NOT NULL DEFAULT '',
  messageId   TEXT    NOT NULL,
  recipient   TEXT    NOT NULL,
  content     TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  code        TEXT    NOT NULL DEFAULT '',
  error       TEXT    NOT NULL DEFAULT '',
  chat        TEXT    NOT NULL DEFAULT '',
  sentAt      INTEGER NOT NULL DEFAULT 0,
  sent        TEXT,
  createdAt   INTEGER NOT NULL,
  updatedAt   INTEGER NOT NULL,
  deadline    INTEGER NOT NULL DEFAULT 0,
  attempts    INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE job_media (
  jobId TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  data  BLOB NOT NULL
);
CREATE TABLE api_keys (
  id        TEXT    PRIMARY KEY,
  name      TEXT    NOT NULL,
  hash      BLOB    NOT NULL,
  scopes    TEXT    NOT NULL,
  sessions  TEXT    NOT NULL,
  createdAt INTEGER NOT NULL,
  lastUsed  INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE pre_keys (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  id    INTEGER NOT NULL,
  state   INTEGER NOT NULL,
  createdAt INTEGER NOT NULL,
  UNIQUE (sessionId, id)
);
CREATE TABLE pre_key_counters (
  sessionId TEXT  NOT NULL PRIMARY KEY REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  next    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE app_state_macs (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  name    TEXT  NOT NULL,
  indexMac  BLOB  NOT NULL,
  valueMac  BLOB  NOT NULL,
  version   INTEGER NOT NULL,
  PRIMARY KEY (sessionId, name, indexMac)
) WITHOUT ROWID;
CREATE TABLE lid_map (
  lid TEXT NOT NULL PRIMARY KEY,
  pn  TEXT NOT NULL UNIQUE
) WITHOUT ROWID;
CREATE TABLE event_buffer (
  sessionId  TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  hash     BLOB  NOT NULL,
  plaintext  BLOB,
  serverTime INTEGER NOT NULL,
  insertedAt INTEGER NOT NULL,
  PRIMARY KEY (sessionId, hash)
);
CREATE TABLE outgoing_events (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  chat    TEXT  NOT NULL,
  messageId TEXT  NOT NULL,
  format  TEXT  NOT NULL,
  plaintext BLOB  NOT NULL,
  createdAt INTEGER NOT NULL,
  PRIMARY KEY (sessionId, messageId, chat)
);
CREATE TABLE chat_settings (
  sessionId  TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  chat     TEXT  NOT NULL,
  mutedUntil INTEGER NOT NULL DEFAULT 0,
  pinned   INTEGER NOT NULL DEFAULT 0,
  archived   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sessionId, chat)
) WITHOUT ROWID;
CREATE TABLE deleted_auth (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  key     TEXT  NOT NULL,
  value   BLOB  NOT NULL,
  deletedAt INTEGER NOT NULL
);
CREATE TABLE batches (
  seq       INTEGER PRIMARY KEY,
  id        TEXT    NOT NULL UNIQUE,
  sessionId TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  state     TEXT    NOT NULL,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL,
  sentAt    INTEGER NOT NULL DEFAULT 0
);
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
CREATE TABLE "message_secrets" (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  messageId TEXT  NOT NULL,
  chat    TEXT  NOT NULL,
  sender  TEXT  NOT NULL,
  secret  BLOB  NOT NULL,
  createdAt INTEGER NOT NULL,
  PRIMARY KEY (sessionId, messageId, chat, sender)
);
CREATE TABLE history_notices (
  seq       INTEGER PRIMARY KEY,
  sessionId TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  messageId TEXT    NOT NULL,
  notice    BLOB    NOT NULL,
  attempts  INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sessionId, messageId)
);
INSERT INTO meta VALUES ('migration:0001_start.sql','2026-11-23T12:00:00.123Z');
INSERT INTO meta VALUES ('migration:0002_signal.sql','2026-11-23T12:00:00.123Z');
INSERT INTO meta VALUES ('migration:0003_batches.sql','2026-11-23T12:00:00.123Z');
INSERT INTO meta VALUES ('migration:0004_seal.sql','2026-11-23T12:00:00.123Z');
INSERT INTO meta VALUES ('migration:0005_history.sql','2026-11-23T12:00:00.123Z');
INSERT INTO meta VALUES ('migration:0006_plans.sql','2026-11-23T12:00:00.123Z');
INSERT INTO meta VALUES ('migration:0007_message_ids.sql','2026-11-23T12:00:00.123Z');
INSERT INTO meta VALUES ('migration:0008_fewer_pages.sql','2026-11-23T12:00:00.123Z');
INSERT INTO epoch VALUES (1,'3-fixture',42);
INSERT INTO whatsapp_sessions VALUES (1,'shop','disconnected','2026-11-20T12:00:00.000Z','2026-11-20T12:00:00.000Z','stopped','stopped','code','reason','next',1,'jid','lid','phone','name','platform','{}');
INSERT INTO auth_data VALUES (1,'shop','key',X'0102','2026-11-20T12:00:00.000Z','2026-11-20T12:00:00.000Z');
INSERT INTO chat_history VALUES (1,'shop','phoneNumber','message','messageType','incoming','{}','2026-11-20T12:00:00.000Z','chat','sender','messageId',1,'status',X'0102',1,1);
INSERT INTO message_receipts VALUES ('shop','messageId','recipient','status',1);
INSERT INTO chats VALUES ('shop','id','phone','name',1,1);
INSERT INTO contacts VALUES (1,'shop','jid','phone','lid','name','pushName','businessName',1798000000000,'firstName','redactedPhone');
INSERT INTO events VALUES (1,'id','shop','type',1798000000000,'{}');
INSERT INTO jobs VALUES (1,'job_1','shop','key','fingerprint','messageId','recipient','{"type":"text","text":"hello"}','sent','code','error','chat',1,'sent',1798000000000,1798000000000,1,1);
INSERT INTO job_media VALUES ('job_1',X'01');
INSERT INTO api_keys VALUES ('id','name',X'0102','scopes','sessions',1798000000000,1);
INSERT INTO pre_keys VALUES (1,'shop',1,1,1798000000000);
INSERT INTO pre_key_counters VALUES ('shop',1);
INSERT INTO app_state_macs VALUES ('shop','name',X'0102',X'0102',1);
INSERT INTO lid_map VALUES ('lid','pn');
INSERT INTO event_buffer VALUES ('shop',X'0102',X'0102',1,1);
INSERT INTO outgoing_events VALUES ('shop','chat','messageId','format',X'0102',1798000000000);
INSERT INTO chat_settings VALUES ('shop','chat',1,1,1);
INSERT INTO deleted_auth VALUES ('shop','key',X'0102',1);
INSERT INTO batches VALUES (1,'batch_1','shop','done',1798000000000,1798000000000,1);
INSERT INTO batch_items VALUES (1,'batch_1',1,'messageId',X'0102','sent','job_1','error');
INSERT INTO message_secrets VALUES ('shop','messageId','chat','sender',X'0102',1798000000000);
INSERT INTO history_notices VALUES (1,'shop','messageId',X'0102',1);
CREATE INDEX contacts_session ON contacts (sessionId);
CREATE INDEX events_session ON events (sessionId);
CREATE UNIQUE INDEX jobs_key ON jobs (sessionId, key) WHERE key <> '';
CREATE INDEX jobs_open ON jobs (sessionId, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX deleted_auth_age ON deleted_auth (deletedAt);
CREATE INDEX deleted_auth_session ON deleted_auth (sessionId);
CREATE INDEX batches_session ON batches (sessionId, sentAt);
CREATE INDEX batches_open ON batches (sessionId, seq) WHERE state = 'running';
CREATE INDEX batch_items_open ON batch_items (batchId, idx) WHERE state = 'open';
CREATE INDEX chat_history_session ON chat_history (sessionId, timestamp);
CREATE INDEX chat_history_phone ON chat_history (sessionId, phoneNumber, timestamp);
CREATE INDEX chat_history_chat ON chat_history (sessionId, chat, timestamp);
CREATE INDEX contacts_lid ON contacts (sessionId, lid);
CREATE INDEX jobs_message ON jobs (sessionId, messageId);
COMMIT;
