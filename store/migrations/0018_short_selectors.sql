-- The selectors of composite keys with one of them lead to these keys by themselves (query_merge.go): the rows of such keys are shorter.
-- The runs of selectors are made again. The chunks of the old ones are deleted little by little.
UPDATE runs SET state = 2 WHERE kind = 2;
