-- All attached records by their owners, newest first, so that an owner's can be listed. owner is the beginning of its key.
CREATE TABLE written (
	owner     INTEGER NOT NULL,
	timestamp INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	PRIMARY KEY (owner, timestamp DESC, idx DESC)
) WITHOUT ROWID, STRICT;
