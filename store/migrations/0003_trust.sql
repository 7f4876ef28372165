-- What claims are ranked by. All of it follows from the records, the graph and when each record was seen.

-- Releases are few among an owner's versions: where a claim ends and the next begins is found without walking.
CREATE INDEX releases ON versions (composite, owner, timestamp) WHERE released = 1;

-- An epoch of a claim is what an owner said between two releases. Its roots are the versions that have no other version of
-- it in their past: the heaviest version is one of them. Rows may be there of versions that are no roots (they weigh less
-- than one, so nothing depends on it). walk = 1 is no version but a release, behind which roots are not kept: the epoch's
-- versions have to be walked.
CREATE TABLE roots (
	composite INTEGER NOT NULL,
	owner     INTEGER NOT NULL,
	timestamp INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	walk      INTEGER NOT NULL,
	PRIMARY KEY (composite, owner, timestamp, idx)
) WITHOUT ROWID, STRICT;

-- For each claim that stands, the version of it that was seen first: when (microseconds), and whether late.
CREATE TABLE firsts (
	composite INTEGER NOT NULL,
	owner     INTEGER NOT NULL,
	seen      INTEGER NOT NULL,
	late      INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	PRIMARY KEY (composite, owner)
) WITHOUT ROWID, STRICT;
CREATE INDEX firsts_seen ON firsts (composite, late, seen);

-- Chains of certificates by the owner they certify, one row for each chain and each of the network's authorities it is good for
-- (numbered from 1 in the genesis' order), and one with authority 0 for those that a reader may believe. A chain that many records
-- carry is one row: idx is the first of them, own says that it is the owner's. since and until bound when all its
-- certificates are valid, the authority's too. issues are what revocations name, see layoutTrust.
CREATE TABLE certificates (
	owner     BLOB NOT NULL,
	authority INTEGER NOT NULL,
	own       INTEGER NOT NULL,
	chain     BLOB NOT NULL,
	issuer    INTEGER NOT NULL,
	since     INTEGER NOT NULL,
	until     INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	issues    BLOB NOT NULL,
	PRIMARY KEY (owner, authority, own DESC, chain)
) WITHOUT ROWID, STRICT;

-- Which chain each certificate record carries, of those that are good for one of the network's authorities.
CREATE TABLE carriers (
	idx   INTEGER PRIMARY KEY REFERENCES records (idx),
	owner BLOB NOT NULL,
	chain BLOB NOT NULL
) STRICT;

-- Revoked certificates by who issued them (a hash of name and key; the list's signature was verified with that key) and
-- serial number. own = 1: by a record that the issuer signed; 0: by one of somebody else's. since is the date from which the
-- certificate is invalid, 0 where there is none. Lists of issuers that neither the network nor the record tells the key of
-- are filed under the name alone, for readers who know the key.
CREATE TABLE revocations (
	issuer BLOB NOT NULL,
	serial BLOB NOT NULL,
	own    INTEGER NOT NULL,
	since  INTEGER NOT NULL,
	idx    INTEGER NOT NULL REFERENCES records (idx),
	PRIMARY KEY (issuer, serial, own DESC, since, idx)
) WITHOUT ROWID, STRICT;

-- The latest word of each oracle on each claim. topic is a hash of the oracle's key and the composite ID.
CREATE TABLE words (
	topic     BLOB NOT NULL,
	owner     BLOB NOT NULL,
	timestamp INTEGER NOT NULL,
	idx       INTEGER NOT NULL REFERENCES records (idx),
	objects   INTEGER NOT NULL,
	PRIMARY KEY (topic, owner)
) WITHOUT ROWID, STRICT;

