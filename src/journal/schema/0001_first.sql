-- What is known about the migration itself: its id, the pinned company.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per source record, as received. `seq` is the order of landing, which every later walk keeps.
CREATE TABLE record (
    seq             INTEGER PRIMARY KEY,
    object          TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    payload         TEXT NOT NULL,
    digest          BLOB NOT NULL,
    modified        TEXT,
    deleted         INTEGER NOT NULL,
    origin          TEXT NOT NULL,
    origin_row      INTEGER NOT NULL,
    parent_object   TEXT,
    parent_id       TEXT,
    landed_at       TEXT NOT NULL,
    fate            TEXT,
    reason          TEXT,
    findings        TEXT,
    -- Grows with every change; a binding remembers the version it stands for.
    version         INTEGER NOT NULL,
    -- 1 while a role of the record may be behind its version.
    pending         INTEGER NOT NULL,
    unchanged_reads INTEGER NOT NULL DEFAULT 0,
    UNIQUE (object, source_id)
) STRICT;
CREATE INDEX record_walk ON record (object, seq);
CREATE INDEX record_pending ON record (object, seq) WHERE pending = 1;
CREATE INDEX record_by_parent ON record (parent_object, parent_id) WHERE parent_id IS NOT NULL;

-- One row per (record, role): how that role ended, and which Pipedrive record stands for it.
CREATE TABLE binding (
    object    TEXT NOT NULL,
    source_id TEXT NOT NULL,
    role      TEXT NOT NULL,
    fate      TEXT NOT NULL,
    version   INTEGER NOT NULL,
    entity    TEXT NOT NULL,
    dest_id   TEXT,
    effect    INTEGER,
    reason    TEXT,
    waits_for TEXT,
    -- The binding it was merged into: JSON of object, id and role.
    survivor  TEXT,
    -- The last verification that saw the record in Pipedrive.
    verified  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (object, source_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX binding_by_destination ON binding (entity, dest_id) WHERE dest_id IS NOT NULL;

-- One row per write: the intent before the call, the outcome after it.
CREATE TABLE effect (
    id          INTEGER PRIMARY KEY,
    object      TEXT NOT NULL,
    source_id   TEXT NOT NULL,
    role        TEXT NOT NULL,
    entity      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    state       TEXT NOT NULL,
    body        TEXT NOT NULL,
    sent        TEXT,
    -- What the source asks for, where that is not the promise in `body`: people's values were kept instead.
    asked       TEXT,
    intended_at TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    floor_id    TEXT,
    dest_id     TEXT,
    preimage    TEXT,
    base        TEXT,
    answered_at TEXT,
    tokens      INTEGER NOT NULL DEFAULT 0,
    note        TEXT
) STRICT;
CREATE INDEX effect_in_doubt ON effect (entity) WHERE state = 'in_doubt';
-- Creates that were given up: few, and each may have left a double that the sweep looks for.
CREATE INDEX effect_missed ON effect (entity) WHERE kind = 'create' AND state = 'void';
CREATE INDEX effect_by_binding ON effect (object, source_id, role);

-- Exact duplicate keys: the first record that claims a key is the survivor.
CREATE TABLE duplicate (
    entity    TEXT NOT NULL,
    key       TEXT NOT NULL,
    object    TEXT NOT NULL,
    source_id TEXT NOT NULL,
    role      TEXT NOT NULL,
    PRIMARY KEY (entity, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE phase (
    name       TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at   TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE approval (
    id          INTEGER PRIMARY KEY,
    gate        TEXT NOT NULL,
    decision    TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    approved_at TEXT NOT NULL,
    digest      TEXT NOT NULL
) STRICT;

-- What the customer must decide.
CREATE TABLE question (
    id       INTEGER PRIMARY KEY,
    topic    TEXT NOT NULL,
    subject  TEXT NOT NULL,
    text     TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    answer   TEXT,
    UNIQUE (topic, subject)
) STRICT;

-- Tokens by day and endpoint.
CREATE TABLE ledger (
    day      TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    requests INTEGER NOT NULL,
    tokens   INTEGER NOT NULL,
    PRIMARY KEY (day, endpoint)
) STRICT, WITHOUT ROWID;

-- Workspace keys by Pipedrive company: field codes, option ids, label and type keys.
CREATE TABLE key (
    company TEXT NOT NULL,
    scope   TEXT NOT NULL,
    name    TEXT NOT NULL,
    key     TEXT NOT NULL,
    PRIMARY KEY (company, scope, name)
) STRICT, WITHOUT ROWID;
