-- Attached records are in blocks of about a page (store/internal/blocks), in place of a row each in dag and records. The migration moves
-- them, and then drops these two.

-- What tells records apart, and their places in the graph: those of the records from first on. For each record ids has its ID and a
-- checksum (put_packed.go). times has its timestamp, and the moment at which it was first stored here, in microseconds, less those of
-- the record before. nodes has the size of its place in the graph, and that place (db_layout.go).
CREATE TABLE graph_blocks (
	first INTEGER PRIMARY KEY,
	ids   BLOB NOT NULL,
	times BLOB NOT NULL,
	nodes BLOB NOT NULL
) STRICT;

-- Headers and values: those of the records from first on. For each record sizes has the size of its header, and that of its value and one
-- more, or 0 where it has none. bytes has them.
CREATE TABLE record_blocks (
	first INTEGER PRIMARY KEY,
	sizes BLOB NOT NULL,
	bytes BLOB NOT NULL
) STRICT;

-- No row can refer to a row of records any more. This changes what SQLite checks, and nothing that is stored.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES records (idx)', '') WHERE type = 'table';
PRAGMA writable_schema = RESET;
