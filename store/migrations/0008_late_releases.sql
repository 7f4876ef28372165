-- Releases that came late, with very many versions after them. The writer looks at these versions in
-- the background and writes their roots. Until it is done, roots has a row with walk = 1 for the
-- release, and queries walk the versions.
--
-- timestamp is the time of the release, and idx its record. The writer has looked at the versions up
-- to at_timestamp and at_idx. first is the version that was seen first among those that the writer
-- knows, 0 if there is none. done is 0 until the writer is done, and then how many records were
-- attached. The row stays: what attached between idx and done was compared with claims of which it
-- was not known when they were seen first.
CREATE TABLE late_releases (
	composite    INTEGER NOT NULL,
	owner        INTEGER NOT NULL,
	timestamp    INTEGER NOT NULL,
	idx          INTEGER NOT NULL REFERENCES records (idx),
	at_timestamp INTEGER NOT NULL,
	at_idx       INTEGER NOT NULL,
	first        INTEGER NOT NULL,
	done         INTEGER NOT NULL,
	PRIMARY KEY (composite, owner, timestamp)
) WITHOUT ROWID, STRICT;
CREATE INDEX late_releases_left ON late_releases (composite, owner, timestamp) WHERE done = 0;
INSERT INTO late_releases SELECT composite, owner, timestamp, idx, timestamp + 1, 0, 0, 0 FROM roots WHERE walk = 1;
