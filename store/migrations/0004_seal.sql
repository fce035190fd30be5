-- Sealing walks through tables by their rowid, which message_secrets had none of.

CREATE TABLE message_secrets_by_row (
  sessionId TEXT  NOT NULL REFERENCES whatsapp_sessions (sessionId) ON DELETE CASCADE,
  messageId TEXT  NOT NULL,
  chat    TEXT  NOT NULL,
  sender  TEXT  NOT NULL,
  secret  BLOB  NOT NULL,
  createdAt INTEGER NOT NULL,
  PRIMARY KEY (sessionId, messageId, chat, sender)
);
INSERT INTO message_secrets_by_row (sessionId, messageId, chat, sender, secret, createdAt)
  SELECT sessionId, messageId, chat, sender, secret, createdAt FROM message_secrets;
DROP TABLE message_secrets;
ALTER TABLE message_secrets_by_row RENAME TO message_secrets;
