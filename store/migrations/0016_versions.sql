-- Versions, and the releases among them, are in runs (store/internal/runs). Schema 16 makes them from the records.
DROP TABLE versions;
