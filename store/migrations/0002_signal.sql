-- What whatsmeow's stores need beside auth_data: bulky, or needed by SQL, and
-- (but for the buffers and message secrets) not secret. Times are unix milliseconds.

-- Which pre-keys there are; the keys themselves are rows of auth_data.
-- state: 0 new, 1 uploaded, 2 made for one retry receipt, 3 kept from before a restore.
CREATE TABLE pre_keys (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  id    INTEGER NOT NULL,
  state   INTEGER NOT NULL,
  createdAt INTEGER NOT NULL,
  UNIQUE (sessionId, id)
);

-- The id that the next pre-key gets. It never goes back, whatever rows remain.
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

-- Shared by all sessions, so that deleting one takes nothing from the others.
CREATE TABLE lid_map (
  lid TEXT NOT NULL PRIMARY KEY,
  pn  TEXT NOT NULL UNIQUE
) WITHOUT ROWID;

CREATE TABLE message_secrets (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  messageId TEXT  NOT NULL,
  chat    TEXT  NOT NULL,
  sender  TEXT  NOT NULL,
  secret  BLOB  NOT NULL,
  createdAt INTEGER NOT NULL,
  PRIMARY KEY (sessionId, messageId, chat, sender)
) WITHOUT ROWID;

-- Decrypted but not yet handled; plaintext is NULL when it was handled, and the
-- row stays for 14 days so that a repeat is recognised.
CREATE TABLE event_buffer (
  sessionId  TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  hash     BLOB  NOT NULL,
  plaintext  BLOB,
  serverTime INTEGER NOT NULL,
  insertedAt INTEGER NOT NULL,
  PRIMARY KEY (sessionId, hash)
);
CREATE INDEX event_buffer_age ON event_buffer (sessionId, insertedAt);

-- What was sent, to answer retry receipts of the next 7 days.
CREATE TABLE outgoing_events (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  chat    TEXT  NOT NULL,
  messageId TEXT  NOT NULL,
  format  TEXT  NOT NULL,
  plaintext BLOB  NOT NULL,
  createdAt INTEGER NOT NULL,
  PRIMARY KEY (sessionId, messageId, chat)
);
CREATE INDEX outgoing_events_age ON outgoing_events (sessionId, createdAt);

-- mutedUntil: unix seconds, 0 not muted, -1 for ever.
CREATE TABLE chat_settings (
  sessionId  TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  chat     TEXT  NOT NULL,
  mutedUntil INTEGER NOT NULL DEFAULT 0,
  pinned   INTEGER NOT NULL DEFAULT 0,
  archived   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sessionId, chat)
) WITHOUT ROWID;

-- What an account left behind when WhatsApp unlinked it; purged after 7 days.
CREATE TABLE deleted_auth (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  key     TEXT  NOT NULL,
  value   BLOB  NOT NULL,
  deletedAt INTEGER NOT NULL
);
CREATE INDEX deleted_auth_age ON deleted_auth (deletedAt);
CREATE INDEX deleted_auth_session ON deleted_auth (sessionId);

-- What whatsmeow knows of a contact besides; contacts.name is the full name.
ALTER TABLE contacts ADD COLUMN firstName TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN redactedPhone TEXT NOT NULL DEFAULT '';
