-- Where children that reach their parent through other records go on to: from the child to the first record on its way, and
-- from each record on the way to the next one. `is_parent` is 1 where that is the parent.
CREATE TABLE onward (
    child     TEXT NOT NULL,
    object    TEXT NOT NULL,
    source_id TEXT NOT NULL,
    to_object TEXT NOT NULL,
    to_id     TEXT NOT NULL,
    is_parent INTEGER NOT NULL,
    PRIMARY KEY (child, object, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX onward_by_target ON onward (child, to_object, to_id);
