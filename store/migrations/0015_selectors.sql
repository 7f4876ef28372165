-- The rows of selectors are in runs (db_runs.go).
DROP TABLE selectors;
