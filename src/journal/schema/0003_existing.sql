-- Records that Pipedrive held before us, by the keys under which the mapping looks for them: one row per record and key.
-- A key is a digest, so that people who are not migrated leave no address here. `filled` names the fields that hold a value.
CREATE TABLE existing (
    entity  TEXT NOT NULL,
    key     BLOB NOT NULL,
    dest_id TEXT NOT NULL,
    filled  TEXT NOT NULL,
    -- 1 when a record of the source waits until people have made one of several.
    unclear INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (entity, key, dest_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX existing_by_destination ON existing (entity, dest_id);
CREATE INDEX existing_unclear ON existing (entity, dest_id) WHERE unclear = 1;

-- 1 when the binding's Pipedrive record was there before us: it is never removed, and never counted as made.
ALTER TABLE binding ADD COLUMN existing INTEGER NOT NULL DEFAULT 0;
