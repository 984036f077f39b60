"""The file of findings: its tables, what each column means, and the version of all that."""

from __future__ import annotations

VERSION = 3
"""Rises with every change that a reader has to know of; a reader takes its own version and no other."""
APPLICATION_ID = 0x53504F4C
"""In the file's header: tells it from other SQLite files."""
BLOCK_ROWS = 64
"""Outputs that are compressed together, at most; large ones are fewer together."""
BLOCK_BYTES = 1 << 20

TABLES = """
-- One row: what the file is. Texts are JSON.
CREATE TABLE about (
  name  TEXT PRIMARY KEY,   -- digest, of all that filters look at, in its order; counts; what the writer was told
  value TEXT NOT NULL
) WITHOUT ROWID;

-- Hosts, by address (IPv4, then IPv6, then those without), then by name.
CREATE TABLE hosts (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL,      -- as the report names it
  address       TEXT NOT NULL,      -- host-ip; '' where the report has none
  address_key   BLOB,               -- 1 byte of IP version, 16 bytes of address: for ranges; NULL without an address
  fqdn          TEXT NOT NULL,
  netbios       TEXT NOT NULL,
  os            TEXT NOT NULL,
  started_at    TEXT NOT NULL,      -- ISO 8601; with Z where the report has a zone, else the scanner's clock; or ''
  ended_at      TEXT NOT NULL,
  verdict       TEXT NOT NULL,      -- of the login, as in the scan's result
  authenticated INTEGER NOT NULL,   -- 1: counts in the coverage
  reason        TEXT NOT NULL,
  evidence      TEXT NOT NULL,
  method        TEXT NOT NULL,
  critical      INTEGER NOT NULL,   -- findings by severity, compliance results not among them
  high          INTEGER NOT NULL,
  medium        INTEGER NOT NULL,
  low           INTEGER NOT NULL,
  info          INTEGER NOT NULL,
  unrated       INTEGER NOT NULL,
  tags          BLOB NOT NULL       -- zstd of a JSON object: every property of the host; user names redacted
);
CREATE INDEX hosts_by_address_key ON hosts (address_key);
CREATE INDEX hosts_by_name ON hosts (name);
CREATE INDEX hosts_by_address ON hosts (address);

-- What a plugin says: one row for findings to which it says exactly the same, with the same severity. In page order.
CREATE TABLE plugins (
  id              INTEGER PRIMARY KEY,
  plugin_id       INTEGER,          -- the scanner's number; NULL where the report has none
  severity        INTEGER,          -- 0 info to 4 critical; NULL unrated
  score           REAL,             -- CVSS: version 3, else 4, else 2
  name            TEXT NOT NULL,
  family          TEXT NOT NULL,
  cvss2           REAL,
  cvss3           REAL,
  cvss4           REAL,
  vpr             REAL,
  epss            REAL,             -- 0 to 1
  exploit         INTEGER NOT NULL, -- 1: an exploit is available
  known_exploited INTEGER NOT NULL, -- 1: in the catalogue of CISA
  first_rank      INTEGER NOT NULL, -- its findings are those of ranks from here
  last_rank       INTEGER NOT NULL, -- to here
  facts           BLOB NOT NULL     -- zstd of a JSON object: every element of the plugin, each a list of texts
);
-- All that is filtered and grouped by, without the facts: a look at every plugin reads a tenth of the table.
CREATE INDEX plugins_by_plugin_id ON plugins (
  plugin_id, severity DESC, first_rank, last_rank, score, cvss2, cvss3, cvss4, vpr, epss, exploit, known_exploited,
  family, name
);

CREATE TABLE cves (
  cve      TEXT NOT NULL,           -- upper case
  plugin   INTEGER NOT NULL,        -- plugins.id
  severity INTEGER,                 -- of the plugin, as its score
  score    REAL,
  findings INTEGER NOT NULL,        -- how many the plugin has
  PRIMARY KEY (cve, plugin)
) WITHOUT ROWID;

-- How many findings a plugin has on a port.
CREATE TABLE ports (
  port     INTEGER NOT NULL,
  plugin   INTEGER NOT NULL,
  findings INTEGER NOT NULL,
  PRIMARY KEY (port, plugin)
) WITHOUT ROWID;

CREATE TABLE services (
  id       INTEGER PRIMARY KEY,
  protocol TEXT NOT NULL,
  name     TEXT NOT NULL
);

-- The findings. Rank is the page order: severity, score (both highest first), plugin, host, port.
CREATE TABLE findings (
  rank    INTEGER PRIMARY KEY,
  plugin  INTEGER NOT NULL,
  host    INTEGER NOT NULL,
  port    INTEGER NOT NULL,
  service INTEGER NOT NULL
);
CREATE INDEX findings_by_host ON findings (host, plugin, port, service);

-- Of which plugins the findings of a host are.
CREATE TABLE host_plugins (
  host    INTEGER PRIMARY KEY,
  plugins BLOB NOT NULL             -- of each finding, in page order: unsigned 32-bit numbers, little end first
);

-- What plugins printed: of each block the ranks from first_rank up to the next block's.
CREATE TABLE outputs (
  first_rank INTEGER PRIMARY KEY,
  texts      BLOB NOT NULL          -- zstd of a MessagePack array: a text for each rank, null where nothing was printed
);

-- What outputs are searched in: of the findings from first_rank to last_rank each line once, in lower case (A to Z).
-- Numbers have 32 bits, unsigned, little end first. Parts: where each begins and the last one ends, in such numbers;
-- then their bytes.
CREATE TABLE lines (
  first_rank INTEGER PRIMARY KEY,
  last_rank  INTEGER NOT NULL,
  templates  BLOB NOT NULL,         -- zstd of lines, a newline after each, in which a NUL stands for each run of digits
  whole      BLOB NOT NULL,         -- zstd of the lines of outputs above 64 KiB, a newline after each; they have digits
  findings   BLOB NOT NULL,         -- zstd of numbers: of each line, first of templates, then of whole, where among the
                                    -- numbers its runs begin, and where the last ones end; then the runs: of findings
                                    -- that printed the line, counted from first_rank, the first, and the one after the
                                    -- last
  numbers    BLOB NOT NULL,         -- zstd of parts, one for each NUL: the digits that stood there, each once, with a
                                    -- newline before the first and after each
  codes      BLOB NOT NULL          -- zstd of parts, one for each NUL: of each finding that printed the line the place
                                    -- of its digits in numbers. Nothing where there is one number; else a byte each
                                    -- with the low 8 bits, and for more than 256 numbers then one with the high ones
);

-- What few findings have beside it: attachments, dates of a platform.
CREATE TABLE extras (
  rank INTEGER PRIMARY KEY,
  data BLOB NOT NULL                -- zstd of a JSON object
);

-- Compliance checks: what they say wherever they are checked.
CREATE TABLE checks (
  id        INTEGER PRIMARY KEY,
  plugin_id INTEGER,
  name      TEXT NOT NULL,
  check_id  TEXT NOT NULL,
  family    TEXT NOT NULL,
  facts     BLOB NOT NULL           -- zstd of a JSON object: every other element, each a list of texts
);

-- Compliance results, in their page order: FAILED, ERROR, WARNING, others by word, SKIPPED, PASSED, then check, host.
CREATE TABLE compliance (
  rank   INTEGER PRIMARY KEY,
  check_ INTEGER NOT NULL,
  host   INTEGER NOT NULL,
  result TEXT NOT NULL,             -- upper case; '' where the item has none
  data   BLOB NOT NULL              -- zstd of a JSON object: actual value, output and what else is the host's
);
CREATE INDEX compliance_by_host ON compliance (host, check_);

-- Which ranks of compliance are which check's with which result. In page order.
CREATE TABLE results (
  id         INTEGER PRIMARY KEY,
  check_     INTEGER NOT NULL,
  result     TEXT NOT NULL,
  first_rank INTEGER NOT NULL,
  last_rank  INTEGER NOT NULL
);

-- By which two files are compared: sorted unsigned 64-bit numbers, little end first.
CREATE TABLE identities (
  host       INTEGER PRIMARY KEY,
  findings   BLOB NOT NULL,         -- plugin_id << 24 | port << 8 | protocol << 3 | severity (7 unrated)
  compliance BLOB NOT NULL          -- hash of plugin_id, check id and name, its low 3 bits the result
);
"""
