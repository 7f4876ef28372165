-- Rows of two indices are shorter, and their runs are made again. A row of IDs has one byte less of its ID. The selectors of composite
-- keys with one of them lead to these keys by themselves (query_merge.go). The chunks of the old runs are deleted little by little.
UPDATE runs SET state = 2 WHERE kind IN (0, 2);
