-- Headers are kept without what the other tables know of them (internal/packed). The column header of records has such a row, or
-- where a record does not fit into one the header as it travels.

-- A checksum of id and timestamp, which the headers of other records are made of (put_packed.go).
ALTER TABLE dag ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

-- Owners and selector keys that several records have: packed headers refer to them by number. source says where one is written out:
-- 16 times a record's idx, and the number of the selector there, from 1, or 0 for the owner.
CREATE TABLE dictionary (
	number INTEGER PRIMARY KEY,
	word   BLOB NOT NULL,
	source INTEGER NOT NULL
) STRICT;
