-- What was laid before a gate, so that people can be told what changed since they approved it.
CREATE TABLE artefact (
    gate    TEXT NOT NULL,
    digest  TEXT NOT NULL,
    content TEXT NOT NULL,
    laid_at TEXT NOT NULL,
    PRIMARY KEY (gate, digest)
) STRICT, WITHOUT ROWID;
-- How the approver was known: by a token of their own, or by the name that was given.
ALTER TABLE approval ADD COLUMN proof TEXT NOT NULL DEFAULT 'name';
-- The records that are loaded first, for people to look at, and why each was chosen.
CREATE TABLE sample (
    object    TEXT NOT NULL,
    source_id TEXT NOT NULL,
    why       TEXT NOT NULL,
    PRIMARY KEY (object, source_id)
) STRICT, WITHOUT ROWID;
