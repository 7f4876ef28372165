-- What waits for its time: bounded by what it takes on the disk, and told in portions that its ancestors have come.

-- Which pending records wait for a record. A row with seq 0 says that the record is wanted: it is neither pending nor held, nor
-- settled. Both are in one table because both are at a random place of it. What a record waits for is found by its header's links.
ALTER TABLE waits RENAME TO old_waits;
CREATE TABLE waits (
	missing BLOB NOT NULL,
	seq     INTEGER NOT NULL,
	PRIMARY KEY (missing, seq)
) WITHOUT ROWID, STRICT;
INSERT INTO waits SELECT missing, seq FROM old_waits UNION ALL SELECT id, 0 FROM wanted;
DROP TABLE old_waits;
DROP TABLE wanted;

-- Records of which some pending ones are still to be told: they are attached (invalid = 0), or never will be (invalid = 1). The writer
-- goes on with it, a portion in each transaction.
CREATE TABLE settled (
	id      BLOB PRIMARY KEY,
	invalid INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- unpaid is 1 as in pending: such records make way first, and then those furthest ahead.
ALTER TABLE held ADD COLUMN unpaid INTEGER NOT NULL DEFAULT 0;
CREATE INDEX held_unpaid ON held (until) WHERE unpaid = 1;
