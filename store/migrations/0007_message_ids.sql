-- Whether a message id is taken is asked by session and id. The index takes the place of the one by session alone,
-- which it serves too, so that accepting a job costs no more than before.
CREATE INDEX jobs_message ON jobs (sessionId, messageId);
DROP INDEX jobs_session;
