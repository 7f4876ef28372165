-- The roots of each epoch in the order of what they can weigh, so that a query need not look at all of them. epoch is
-- the time of the release that the root's epoch is behind, the least number where it is behind none. A release that comes in
-- order thus begins an empty epoch, and no row changes.
--
-- lead bounds the root's weight. quiet = 1: the weight is lead, because no record links the root. quiet = 0: it is at most lead
-- and the work of all attached records, so that 0 is always true. A row with walk = 1 has the greatest lead: it comes first.
-- In an epoch that is to be walked the column epoch of other rows says nothing.
ALTER TABLE roots ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE roots ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0;
ALTER TABLE roots ADD COLUMN lead INTEGER NOT NULL DEFAULT 0;
UPDATE roots SET
	lead = CASE walk WHEN 1 THEN 9223372036854775807 ELSE 0 END,
	epoch = CASE walk WHEN 1 THEN timestamp ELSE coalesce(
		(SELECT v.timestamp FROM versions AS v INDEXED BY releases WHERE v.composite = roots.composite AND v.owner = roots.owner
			AND v.released = 1 AND v.timestamp < roots.timestamp ORDER BY v.timestamp DESC LIMIT 1), -9223372036854775807 - 1) END;
CREATE INDEX roots_lead ON roots (composite, owner, epoch, quiet, lead);
CREATE INDEX roots_quiet ON roots (idx) WHERE quiet = 1;
