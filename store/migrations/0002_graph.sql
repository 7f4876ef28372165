-- What the graph in memory is built from, and when each record was first seen here.

-- node replaces parents: the record's work, the distances back to each link's idx in the links' order, which of them is the
-- main parent, and the distances back to the records of the mergeset; all varints (db_layout.go). It is one column because a start
-- reads every row of it. seen is the moment at which the record was first stored here, attached or pending, in
-- microseconds: no two records have the same.
ALTER TABLE dag RENAME COLUMN parents TO node;
ALTER TABLE dag ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pending ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
-- unpaid is 1 for what carries less than the full price, on the word of a certificate that is not known to be here: it makes way first.
ALTER TABLE pending ADD COLUMN unpaid INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pending_unpaid ON pending (seq) WHERE unpaid = 1;
-- The last moment that was given out: the next is later, whatever the clock says.
ALTER TABLE meta ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
-- How many of the tips are disreputable.
ALTER TABLE meta ADD COLUMN disreputable INTEGER NOT NULL DEFAULT 0;

-- reputable is 0 for a datum that came behind another owner's claim to its key: such tips are not offered as links. It was
-- decided when the record attached, and stays as it is. past is the work of the record's past: the more, the more recent
-- is what it links, and the sooner it is linked itself.
ALTER TABLE tips RENAME TO old_tips;
CREATE TABLE tips (
	reputable INTEGER NOT NULL,
	past      INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	timestamp INTEGER NOT NULL,
	PRIMARY KEY (reputable DESC, past DESC, idx)
) WITHOUT ROWID, STRICT;
INSERT INTO tips SELECT 1, 0, idx, timestamp FROM old_tips;
DROP TABLE old_tips;
