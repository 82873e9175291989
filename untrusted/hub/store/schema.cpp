#include "untrusted/hub/store/migrations.h"

namespace redoubt::hub {
namespace {

// Conventions: `number` is the order of insertion, by which lists are paged; times are seconds since 1970; digests and keys are
// blobs; documents are stored as the exact text that was signed. STRICT tables refuse values of another type. dialect.h says what
// PostgreSQL makes of these texts.
constexpr std::string_view kCleanRoom = R"sql(
CREATE TABLE api_keys (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  subject TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created INTEGER NOT NULL,
  revoked INTEGER
) STRICT;

CREATE TABLE environments (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  contract TEXT NOT NULL,
  contract_digest BLOB NOT NULL CHECK (length(contract_digest) = 32),
  state TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE participants (
  environment TEXT NOT NULL REFERENCES environments (id),
  name TEXT NOT NULL,
  signing_key BLOB NOT NULL CHECK (length(signing_key) = 32),
  PRIMARY KEY (environment, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  environment TEXT NOT NULL REFERENCES environments (id),
  boot BLOB NOT NULL CHECK (length(boot) = 16),
  claims TEXT NOT NULL,
  state TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX instances_by_environment ON instances (environment, number);

CREATE TABLE acceptances (
  instance BLOB NOT NULL REFERENCES instances (id),
  participant TEXT NOT NULL,
  document TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (instance, participant)
) STRICT, WITHOUT ROWID;

CREATE TABLE datasets (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  environment TEXT NOT NULL REFERENCES environments (id),
  id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  owner TEXT NOT NULL,
  manifest TEXT NOT NULL,
  object TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  state TEXT NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (environment, id, version)
) STRICT;

CREATE TABLE dataset_parts (
  dataset INTEGER NOT NULL REFERENCES datasets (number) ON DELETE CASCADE,
  part INTEGER NOT NULL CHECK (part >= 0),
  size INTEGER NOT NULL,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  PRIMARY KEY (dataset, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE queries (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  environment TEXT NOT NULL REFERENCES environments (id),
  proposer TEXT NOT NULL,
  text TEXT NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  proposal TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX queries_by_environment ON queries (environment, number);

CREATE TABLE ballots (
  query TEXT NOT NULL REFERENCES queries (id),
  voter TEXT NOT NULL,
  document TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (query, voter)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
  query TEXT NOT NULL REFERENCES queries (id),
  recipient TEXT NOT NULL,
  package BLOB NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (query, recipient)
) STRICT;

CREATE TABLE receipts (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  query TEXT NOT NULL UNIQUE REFERENCES queries (id),
  instance BLOB NOT NULL REFERENCES instances (id),
  sequence INTEGER NOT NULL,
  document TEXT NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (instance, sequence)
) STRICT;

CREATE TABLE log_entries (
  instance BLOB NOT NULL REFERENCES instances (id),
  sequence INTEGER NOT NULL CHECK (sequence >= 0),
  entry BLOB NOT NULL,
  PRIMARY KEY (instance, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  instance BLOB NOT NULL REFERENCES instances (id),
  size INTEGER NOT NULL CHECK (size >= 0),
  note TEXT NOT NULL,
  PRIMARY KEY (instance, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  run_after INTEGER NOT NULL,
  lease_owner TEXT,
  lease_until INTEGER,
  detail TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, kind, run_after, number);

CREATE TABLE idempotency_keys (
  subject TEXT NOT NULL,
  key TEXT NOT NULL,
  request BLOB NOT NULL CHECK (length(request) = 32),
  status INTEGER NOT NULL,
  response BLOB NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (subject, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created);

CREATE TABLE audit_events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
)sql";

// Several hubs on one database: each environment and what it needs run at its home. Leases have a fencing token.
constexpr std::string_view kSharedHubs = R"sql(
CREATE TABLE hubs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  started INTEGER NOT NULL
) STRICT;

ALTER TABLE environments ADD COLUMN home TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN home TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::string_view kKeyLives = R"sql(
ALTER TABLE api_keys ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN expires INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used INTEGER;
)sql";

// Ids identify environments, names do not. A query whose run was given up is not left as if it ran.
constexpr std::string_view kLines = R"sql(
ALTER TABLE api_keys ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
CREATE INDEX api_keys_by_maker ON api_keys (made_by);
CREATE INDEX api_keys_by_replaced ON api_keys (replaces);

ALTER TABLE environments ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE environments ADD COLUMN creator TEXT NOT NULL DEFAULT '';
UPDATE environments SET name = id;
CREATE INDEX environments_by_name ON environments (name);
CREATE INDEX environments_by_creator ON environments (creator);
CREATE INDEX participants_by_name ON participants (name);

UPDATE queries SET state = 'failed', detail = 'its run was given up'
  WHERE state IN ('queued', 'running', 'waiting_for_keys')
  AND EXISTS (SELECT 1 FROM jobs WHERE jobs.state = 'failed' AND jobs.id = 'run-' || substr(queries.id, 1, 60));
)sql";

// What changed, for those who watch.
constexpr std::string_view kWatching = R"sql(
CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  environment TEXT NOT NULL REFERENCES environments (id),
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_environment ON events (environment, number);
)sql";

// What the hubs of a database sign links with.
constexpr std::string_view kSecrets = R"sql(
CREATE TABLE secrets (
  name TEXT NOT NULL PRIMARY KEY,
  secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT, WITHOUT ROWID;
)sql";

// What is kept of each environment's events, which are removed oldest first.
constexpr std::string_view kRetention = R"sql(
CREATE TABLE event_floors (
  environment TEXT NOT NULL PRIMARY KEY REFERENCES environments (id),
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

constexpr Migration kMigrations[] = {{1, "clean room", kCleanRoom},
                                     {2, "shared hubs", kSharedHubs},
                                     {3, "lives of api keys", kKeyLives},
                                     {4, "lines of api keys, names of environments", kLines},
                                     {5, "events", kWatching},
                                     {6, "secrets", kSecrets},
                                     {7, "retention", kRetention}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

}  // namespace redoubt::hub
