-- The claims on composite keys that many owners claim, in the order of each criterion, so that a query looks at the best of
-- them and not at all. All of it follows from the other tables and the graph.

-- Composite keys with many claims. id is the whole composite ID, composite its prefix. claims counts the rows of claims that stand.
-- Rows are there for the owners up to the number built.
CREATE TABLE crowded (
	number    INTEGER PRIMARY KEY,
	composite INTEGER NOT NULL,
	id        BLOB NOT NULL UNIQUE,
	claims    INTEGER NOT NULL,
	built     INTEGER NOT NULL
) STRICT;
CREATE INDEX crowded_composite ON crowded (composite);
CREATE INDEX crowded_built ON crowded (built);

-- One row for each owner that has a version under a crowded key. rank is what certificates and the elected oracles say
-- (layoutRank), -1 where no claim of the owner's stands. timestamp, idx and hash (the beginning of the signed hash, which decides
-- between versions of one time) are those of the answering version; seen, late
-- and said of the version that was noted first: when, whether late (2: not known), and its timestamp.
-- lead bounds the claim's weight. quiet = 1: the weight is at most lead, because no record links any version of the claim.
-- quiet = 0: it is at most lead and the work of all attached records.
-- careful = 1: the owner has versions under the key that do not count, hidden ones or those of a key with the same prefix.
CREATE TABLE claims (
	crowd     INTEGER NOT NULL,
	owner     INTEGER NOT NULL,
	rank      INTEGER NOT NULL,
	quiet     INTEGER NOT NULL,
	lead      INTEGER NOT NULL,
	timestamp INTEGER NOT NULL,
	idx       INTEGER NOT NULL,
	hash      INTEGER NOT NULL,
	seen      INTEGER NOT NULL,
	late      INTEGER NOT NULL,
	said      INTEGER NOT NULL,
	careful   INTEGER NOT NULL,
	PRIMARY KEY (owner, crowd)
) WITHOUT ROWID, STRICT;
CREATE INDEX claims_weight ON claims (crowd, rank, quiet, lead, timestamp, hash);
CREATE INDEX claims_newest ON claims (crowd, rank, timestamp, hash);
CREATE INDEX claims_seen ON claims (crowd, late, seen);

-- Versions of claims with a row that no record links yet: the first that does may change the claim's weight.
CREATE TABLE unlinked (
	idx   INTEGER PRIMARY KEY,
	crowd INTEGER NOT NULL,
	owner INTEGER NOT NULL
) STRICT;

-- Whose chains, good for one of the network's authorities, hold a certificate: what a revocation of it may reach.
CREATE TABLE issued (
	issuer BLOB NOT NULL,
	serial BLOB NOT NULL,
	owner  BLOB NOT NULL,
	PRIMARY KEY (issuer, serial, owner)
) WITHOUT ROWID, STRICT;

-- The oracles whose objections rank counts.
CREATE TABLE elected (
	owner BLOB PRIMARY KEY
) WITHOUT ROWID, STRICT;

-- What is left to do in claims. With an issuer: look again at the owners of chains with a certificate, those above owner. With
-- an empty one: work out the row at crowd and number, which could not be because of damage. Without: count the elected
-- oracles' objections again, from the row on at crowd, late, seen and number.
CREATE TABLE rank_jobs (
	job    INTEGER PRIMARY KEY,
	issuer BLOB,
	serial BLOB,
	owner  BLOB,
	crowd  INTEGER NOT NULL,
	late   INTEGER NOT NULL,
	seen   INTEGER NOT NULL,
	number INTEGER NOT NULL
) STRICT;
