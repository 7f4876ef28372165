-- The newest pulse of each claim: idx is its record's. The rows of a day at most. second is since the Unix epoch.
CREATE TABLE pulses (
	idx       INTEGER PRIMARY KEY REFERENCES records (idx),
	second    INTEGER NOT NULL,
	signature BLOB NOT NULL
) STRICT;
