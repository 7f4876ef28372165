-- The index from IDs to records is sorted runs of entries (store/internal/runs), in place of a table with a row at a random place
-- for each record.

-- The records of indices first to last, in the order of their IDs. kind is which index it is of: 0 for IDs. state is 0 for a run that is
-- looked up in, 1 for one that is being built, and 2 for one whose chunks are being deleted.
CREATE TABLE runs (
	number INTEGER PRIMARY KEY,
	kind   INTEGER NOT NULL,
	level  INTEGER NOT NULL,
	state  INTEGER NOT NULL,
	first  INTEGER NOT NULL,
	last   INTEGER NOT NULL
) STRICT;

-- The entries of the runs, a page in each row: place is a run's number and the first 48 bits of the first ID.
CREATE TABLE run_chunks (
	place INTEGER PRIMARY KEY,
	chunk BLOB NOT NULL
) STRICT;

-- What says that an ID is not in a run: place is the run's number and the piece's.
CREATE TABLE run_filters (
	place INTEGER PRIMARY KEY,
	bits  BLOB NOT NULL
) STRICT;

-- Each change of the runs increases it.
ALTER TABLE meta ADD COLUMN runs INTEGER NOT NULL DEFAULT 0;

DROP TABLE ids;
