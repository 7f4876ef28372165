-- What each pending record waits for is a row at the end of a table, and no longer one at a random place for each link. Which records
-- wait for one, and which are wanted, the writer knows in memory (put_waitindex.go).

-- links are the IDs of the links that are not attached yet, one after the other, in the header's order.
ALTER TABLE waits RENAME TO old_waits;
CREATE TABLE waits (
	seq   INTEGER PRIMARY KEY,
	links BLOB NOT NULL
) STRICT;
INSERT INTO waits SELECT seq, CAST(group_concat(missing, '' ORDER BY missing) AS BLOB) FROM old_waits WHERE seq > 0 GROUP BY seq;
DROP TABLE old_waits;
ALTER TABLE pending DROP COLUMN unmet;
