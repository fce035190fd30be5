-- Each index is a page more to write for each message, and these two served only the search for what is old. Rows grow
-- older with their rowid, by which they are found as well.
DROP INDEX event_buffer_age;
DROP INDEX outgoing_events_age;
