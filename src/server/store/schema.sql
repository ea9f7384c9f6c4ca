-- The store of a hotline, version 1. Times are local, ISO 8601, so that they sort as text.
CREATE TABLE members (
    member_id TEXT PRIMARY KEY, name TEXT NOT NULL, gender TEXT NOT NULL, birth_year INTEGER NOT NULL,
    mobile TEXT NOT NULL, landline TEXT NOT NULL, level TEXT NOT NULL, city TEXT NOT NULL, registered_at TEXT NOT NULL
);
CREATE INDEX members_mobile ON members (mobile);
CREATE INDEX members_landline ON members (landline);
CREATE TABLE phone_history (
    phone TEXT NOT NULL, member_id TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (phone, at, member_id, source)
) WITHOUT ROWID;
CREATE TABLE phone_blacklist (phone TEXT PRIMARY KEY, reason TEXT NOT NULL);
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY, member_id TEXT NOT NULL, kind TEXT NOT NULL, product TEXT NOT NULL,
    category TEXT NOT NULL, price_cents INTEGER NOT NULL, currency TEXT NOT NULL, at TEXT NOT NULL, status TEXT NOT NULL
);
CREATE INDEX orders_member ON orders (member_id, at);
CREATE TABLE events (
    member_id TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL,
    PRIMARY KEY (member_id, at, kind, reference)
) WITHOUT ROWID;
-- `live`: taken by this server, not imported.
CREATE TABLE calls (
    call_id TEXT PRIMARY KEY, phone TEXT NOT NULL, member_id TEXT NOT NULL, at TEXT NOT NULL, main_scene TEXT NOT NULL,
    scene TEXT NOT NULL, order_id TEXT, resolved INTEGER NOT NULL, is_repeat INTEGER NOT NULL, live INTEGER NOT NULL
);
CREATE INDEX calls_member ON calls (member_id, at);
CREATE INDEX calls_phone ON calls (phone, at);
CREATE TABLE scenes (scene TEXT PRIMARY KEY, main_scene TEXT NOT NULL);
CREATE TABLE call_records (id TEXT PRIMARY KEY, started_at TEXT NOT NULL, json TEXT NOT NULL);
CREATE INDEX call_records_started ON call_records (started_at);
-- Single values: `model` (what was learned, JSON), `demo` (the time that the demo set was written for).
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
