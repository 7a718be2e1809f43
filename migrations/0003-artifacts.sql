-- Files that runs were made from, each stored once under the hash of its bytes: what runs.model_sha256,
-- runs.image_sha256 and the hashes inside provenance point at.
CREATE TABLE artifacts (
  sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
  kind TEXT NOT NULL
    CHECK (kind IN ('model', 'data', 'calibration', 'image', 'firmware', 'campaign', 'harvest')),
  name TEXT NOT NULL,
  created_at TEXT NOT NULL,
  -- length before compression
  byte_length INTEGER NOT NULL CHECK (byte_length >= 0),
  -- zlib stream
  content BLOB NOT NULL
) STRICT;

CREATE INDEX artifacts_by_kind ON artifacts (kind, name);
