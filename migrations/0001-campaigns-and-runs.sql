-- Campaigns, runs and what belongs to one run. Times of day are ISO 8601 in UTC; seconds are the bench's clock.

-- One row per process (strictly: per open store) that writes. A run or campaign left 'running' whose writer no longer
-- lives was interrupted; see src-main/store/writers.ts for how life is told.
CREATE TABLE writers (
  -- never given twice: a writer that was taken for dead comes back under its own id
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  -- Tells a reused pid from the process that wrote here; NULL where the system does not say.
  process_identity TEXT,
  opened_at TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL
) STRICT;

CREATE TABLE campaigns (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  created_at TEXT NOT NULL,
  finished_at TEXT,
  source TEXT NOT NULL,
  source_sha256 TEXT NOT NULL CHECK (length(source_sha256) = 64),
  status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'cancelled', 'interrupted')),
  planned_runs INTEGER NOT NULL CHECK (planned_runs >= 0),
  writer_id INTEGER REFERENCES writers (id) ON DELETE SET NULL
) STRICT;

CREATE INDEX campaigns_by_source ON campaigns (source_sha256);
CREATE INDEX campaigns_by_name ON campaigns (name);
CREATE INDEX campaigns_open ON campaigns (status) WHERE status = 'running';
CREATE INDEX campaigns_by_writer ON campaigns (writer_id);

-- What a list shows, filters and sorts by. Kept narrow: long texts live in run_documents.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  campaign_id INTEGER REFERENCES campaigns (id) ON DELETE CASCADE,
  cell TEXT NOT NULL,
  repeat INTEGER NOT NULL CHECK (repeat >= 0),
  status TEXT NOT NULL
    CHECK (status IN ('running', 'finished', 'not-terminating', 'failed', 'cancelled', 'interrupted')),
  reason TEXT,
  created_at TEXT NOT NULL,
  finished_at TEXT,
  writer_id INTEGER REFERENCES writers (id) ON DELETE SET NULL,
  -- configuration
  model TEXT NOT NULL,
  strategy TEXT NOT NULL,
  kernels TEXT NOT NULL,
  board TEXT NOT NULL,
  power TEXT NOT NULL,
  capacitance_farads REAL NOT NULL,
  turn_on_volts REAL NOT NULL,
  brown_out_volts REAL NOT NULL,
  seed INTEGER NOT NULL,
  samples INTEGER NOT NULL CHECK (samples >= 0),
  -- measures
  macs INTEGER,
  parameters INTEGER,
  sram_bytes INTEGER,
  nvm_bytes INTEGER,
  image_bytes INTEGER,
  tasks INTEGER,
  inferences INTEGER,
  latency_seconds REAL,
  active_seconds REAL,
  total_seconds REAL,
  energy_joules REAL,
  cycles INTEGER,
  power_cycles INTEGER,
  checkpoints INTEGER,
  restores INTEGER,
  tasks_executed INTEGER,
  tasks_reexecuted INTEGER,
  nvm_bytes_read INTEGER,
  nvm_bytes_written INTEGER,
  accuracy REAL CHECK (accuracy BETWEEN 0 AND 1),
  -- hashes, to find every run of one model, image or firmware
  model_sha256 TEXT,
  data_sha256 TEXT,
  image_sha256 TEXT,
  firmware_sha256 TEXT,
  CHECK (status = 'running' OR finished_at IS NOT NULL)
) STRICT;

CREATE INDEX runs_by_campaign ON runs (campaign_id);
CREATE INDEX runs_by_status ON runs (status);
CREATE INDEX runs_by_model ON runs (model);
CREATE INDEX runs_by_strategy ON runs (strategy);
CREATE INDEX runs_by_board ON runs (board);
CREATE INDEX runs_by_power ON runs (power);
CREATE INDEX runs_by_capacitance ON runs (capacitance_farads);
CREATE INDEX runs_by_created ON runs (created_at);
CREATE INDEX runs_by_latency ON runs (latency_seconds);
CREATE INDEX runs_by_energy ON runs (energy_joules);
CREATE INDEX runs_by_accuracy ON runs (accuracy);
CREATE INDEX runs_by_power_cycles ON runs (power_cycles);
CREATE INDEX runs_by_writer ON runs (writer_id);

-- Everything needed to repeat a run, as JSON; the files it names are artifacts.
CREATE TABLE run_documents (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  config TEXT NOT NULL CHECK (json_valid(config)),
  provenance TEXT CHECK (provenance IS NULL OR json_valid(provenance))
) STRICT;

CREATE TABLE inferences (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  inference INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  label INTEGER,
  predicted INTEGER NOT NULL,
  finished_seconds REAL NOT NULL,
  -- raw int8 output of the model
  output BLOB NOT NULL,
  PRIMARY KEY (run_id, inference)
) STRICT, WITHOUT ROWID;

CREATE TABLE power_cycles (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  cycle INTEGER NOT NULL,
  on_seconds REAL NOT NULL,
  off_seconds REAL,
  inference INTEGER NOT NULL,
  task INTEGER NOT NULL,
  PRIMARY KEY (run_id, cycle)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_log (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  entry INTEGER NOT NULL,
  time_seconds REAL NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, entry)
) STRICT, WITHOUT ROWID;
