-- The whole walk of a table (the export's digest) in which the row was read last. Rows that a later export does not have
-- any more are those with another one.
ALTER TABLE record ADD COLUMN walk TEXT;
