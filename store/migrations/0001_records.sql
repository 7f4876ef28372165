-- Columns named prefix, key, composite hold 8 bytes of a hash or key as a signed integer whose order is that of the
-- bytes (db_layout.go). Every table that grows with the records is either appended to or small a row.

-- One row: what the file is about, and counters that are otherwise a scan each.
CREATE TABLE meta (
	only            INTEGER PRIMARY KEY CHECK (only = 1),
	network         BLOB NOT NULL,
	attached        INTEGER NOT NULL,
	tips            INTEGER NOT NULL,
	owners          INTEGER NOT NULL,
	pending         INTEGER NOT NULL,
	pending_bytes   INTEGER NOT NULL,
	held            INTEGER NOT NULL,
	held_bytes      INTEGER NOT NULL,
	dropped_pending INTEGER NOT NULL,
	dropped_held    INTEGER NOT NULL
) STRICT;

-- Attached records, as they travel. value is null when the record has none.
CREATE TABLE records (
	idx    INTEGER PRIMARY KEY,
	header BLOB NOT NULL,
	value  BLOB
) STRICT;

-- The graph without the records: parents are the distances back to each link's idx, as varints, in the links' order.
CREATE TABLE dag (
	idx       INTEGER PRIMARY KEY REFERENCES records (idx),
	timestamp INTEGER NOT NULL,
	parents   BLOB NOT NULL
) STRICT;

CREATE TABLE ids (
	prefix INTEGER NOT NULL,
	idx    INTEGER NOT NULL,
	PRIMARY KEY (prefix, idx)
) WITHOUT ROWID, STRICT;

CREATE TABLE tips (
	timestamp INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	PRIMARY KEY (timestamp DESC, idx)
) WITHOUT ROWID, STRICT;

-- Owners of versions, numbered from 1.
CREATE TABLE owners (
	owner  BLOB PRIMARY KEY,
	number INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Composite keys: one row for each selector of each distinct key, whatever the number of its versions. size is how many
-- selectors the key has, others are all but this one, so that a scan decides without looking anywhere else.
CREATE TABLE selectors (
	key       INTEGER NOT NULL,
	size      INTEGER NOT NULL,
	ordinal   INTEGER NOT NULL,
	composite INTEGER NOT NULL,
	others    BLOB NOT NULL,
	PRIMARY KEY (key, size, ordinal, composite, others)
) WITHOUT ROWID, STRICT;

-- Data and releases, newest first under each owner.
CREATE TABLE versions (
	composite INTEGER NOT NULL,
	owner     INTEGER NOT NULL,
	timestamp INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	released  INTEGER NOT NULL,
	PRIMARY KEY (composite, owner, timestamp DESC, idx)
) WITHOUT ROWID, STRICT;

-- Records that wait for an ancestor, in the order of their arrival. unmet counts their rows in waits.
CREATE TABLE pending (
	seq    INTEGER PRIMARY KEY,
	id     BLOB NOT NULL UNIQUE,
	unmet  INTEGER NOT NULL CHECK (unmet > 0),
	header BLOB NOT NULL,
	value  BLOB
) STRICT;

CREATE TABLE waits (
	missing BLOB NOT NULL,
	seq     INTEGER NOT NULL REFERENCES pending (seq),
	PRIMARY KEY (missing, seq)
) WITHOUT ROWID, STRICT;
CREATE INDEX waits_of ON waits (seq);

-- What waits.missing names and is neither pending nor held.
CREATE TABLE wanted (
	id BLOB PRIMARY KEY
) WITHOUT ROWID, STRICT;

-- Records ahead of the clock, with the time (ms) at which they are put.
CREATE TABLE held (
	id     BLOB PRIMARY KEY,
	until  INTEGER NOT NULL,
	header BLOB NOT NULL,
	value  BLOB
) WITHOUT ROWID, STRICT;
CREATE INDEX held_until ON held (until);

CREATE TABLE datastore (
	key   TEXT PRIMARY KEY,
	value BLOB NOT NULL
) WITHOUT ROWID, STRICT;
