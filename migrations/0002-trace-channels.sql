-- Traces of a run, columnar: one row per channel. Each blob is a zlib stream of little-endian numbers,
-- `buckets` of them: start times (Float64), minima and maxima (Float32).
CREATE TABLE trace_channels (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  channel TEXT NOT NULL,
  unit TEXT NOT NULL,
  buckets INTEGER NOT NULL CHECK (buckets >= 0),
  times BLOB NOT NULL,
  minima BLOB NOT NULL,
  maxima BLOB NOT NULL,
  PRIMARY KEY (run_id, channel)
) STRICT;
