-- What tells damage on the disk, and where it was found.

-- id is the record's ID. It is the hash of the header, so a header that has another one is damaged; and the ID says which
-- record to fetch in its place. The set of attached records is read from here at a start.
ALTER TABLE dag ADD COLUMN id BLOB NOT NULL DEFAULT x'';

-- Attached records whose bytes were found damaged and are not repaired yet.
CREATE TABLE damaged (
	idx INTEGER PRIMARY KEY REFERENCES records (idx)
) STRICT;

-- One row: how far the scrub has come. at is the index or key behind which it goes on in a phase (damage_scrub.go).
CREATE TABLE scrub (
	only  INTEGER PRIMARY KEY CHECK (only = 1),
	phase INTEGER NOT NULL,
	at    INTEGER NOT NULL
) STRICT;
INSERT INTO scrub VALUES (1, 0, 0);
