-- Version 2: callers who are to be called back.
CREATE TABLE appointments (call_id TEXT PRIMARY KEY, phone TEXT NOT NULL, at TEXT NOT NULL, scene TEXT);
CREATE INDEX appointments_at ON appointments (at);
