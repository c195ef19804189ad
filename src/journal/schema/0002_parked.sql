-- What is parked is asked for often (every scrape, every status) and is little; without this the whole table is read.
CREATE INDEX binding_parked ON binding (waits_for) WHERE fate = 'parked';
