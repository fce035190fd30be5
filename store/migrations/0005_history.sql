-- Parts of an account's history that wait to be fetched. A notice holds the key of its file, so it is a secret.
CREATE TABLE history_notices (
  seq       INTEGER PRIMARY KEY,
  sessionId TEXT    NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  messageId TEXT    NOT NULL,
  notice    BLOB    NOT NULL,
  attempts  INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sessionId, messageId)
);

-- Messages from before come after newer ones, so lists go by time.
DROP INDEX chat_history_session;
DROP INDEX chat_history_phone;
DROP INDEX chat_history_chat;
CREATE INDEX chat_history_session ON chat_history (sessionId, timestamp);
CREATE INDEX chat_history_phone ON chat_history (sessionId, phoneNumber, timestamp);
CREATE INDEX chat_history_chat ON chat_history (sessionId, chat, timestamp);

-- A person may have a row under each identity; lists show one.
CREATE INDEX contacts_lid ON contacts (sessionId, lid);
