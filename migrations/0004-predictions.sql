-- What a run was expected to measure, computed before it began. NULL for runs of versions that did not predict.
-- Columns for lists, filters and comparisons; everything that was predicted is in run_documents.
ALTER TABLE runs ADD COLUMN predicted_latency_seconds REAL;
ALTER TABLE runs ADD COLUMN predicted_energy_joules REAL;
ALTER TABLE runs ADD COLUMN predicted_power_cycles INTEGER;
ALTER TABLE runs ADD COLUMN predicted_cycles INTEGER;
ALTER TABLE run_documents ADD COLUMN prediction TEXT CHECK (prediction IS NULL OR json_valid(prediction));
