-- The rows of indices are in runs (store/internal/runs): those of IDs, in other chunks than before, and those of written. Schema 14
-- makes all of them from the records.
DROP TABLE written;
DROP TABLE runs;
DROP TABLE run_chunks;
DROP TABLE run_filters;

-- The rows of the records first to last, in their order. kind is which index they are of, see db_runs.go. state is 0 for a run that is
-- looked up in, 1 for one that is being built, and 2 for one whose chunks are being deleted. keys is how many different keys its rows
-- begin with, and blocks the size of the filter that has them.
CREATE TABLE runs (
	number INTEGER PRIMARY KEY,
	kind   INTEGER NOT NULL,
	level  INTEGER NOT NULL,
	state  INTEGER NOT NULL,
	first  INTEGER NOT NULL,
	last   INTEGER NOT NULL,
	rows   INTEGER NOT NULL,
	keys   INTEGER NOT NULL,
	chunks INTEGER NOT NULL,
	blocks INTEGER NOT NULL
) STRICT;

-- The rows of the runs, a page in each: place is 2^32 times the run's number, and the chunk's.
CREATE TABLE run_chunks (
	place INTEGER PRIMARY KEY,
	chunk BLOB NOT NULL
) STRICT;

-- What is in memory of a run, in pieces: place is as above.
CREATE TABLE run_heads (
	place INTEGER PRIMARY KEY,
	piece BLOB NOT NULL
) STRICT;
