/** Marks the file as ours (`file` shows it): the letters "popf". */
export const applicationId = 0x706f7066

/** PRAGMA user_version of the schema below. */
export const schemaVersion = 2

/** New in version 2. */
const tables2 = `
  CREATE TABLE untried (
    account INTEGER NOT NULL REFERENCES accounts (id),
    page INTEGER NOT NULL,
    state TEXT NOT NULL,
    messages TEXT NOT NULL,
    PRIMARY KEY (account, page)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE volumes (
    lane INTEGER NOT NULL REFERENCES lanes (id),
    path TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    messages INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (lane, path)
  ) STRICT, WITHOUT ROWID;
`

/**
 * - `accounts.origin` is the account's first name, the salt of names made from keys.
 * - `accounts.memory` is what an AccountMemory has beyond its defaults, as JSON.
 * - `lanes.begun` is the announced batch as JSON, null after a clean end: beginning a batch costs one row.
 * - `receipts` are stored per lane in the order of delivery; keys are the UIDL's bytes (see MessageKey).
 * - `quarantine` holds what a lane's target refused for good and has no receipt for; the bytes are in the state folder.
 * - `receipts.fingerprint` is that of the header, `receipts.listed` the size that the server listed last; 0: none.
 * - `identities` are the listed ids that are not simply their message's key: `original` is that key, or null; with a
 *   `doubt` the message must be fetched before it counts as known or new. The later row is the later finding.
 * - `accounts.listing` holds the ids of the last complete listing as the engine packed them.
 * - All receipts of a lane up to the number `lanes.proved` were read back; `unproven` names those of them whose copy was
 *   not found as it should be. `deletions` are the messages that DELE was sent for, with the id that was listed for each.
 * - `lost` are receipts of messages that a target was found to lack, until it has them again.
 * - `lanes.messages` and `lanes.bytes` sum the receipts up, so that nobody has to count them.
 * - `accounts.outcome` is a ListingRecord as JSON, of the last run that listed the maildrop. `failures` and
 *   `untried` name what that run did not copy: `failures.listed` is the key that the maildrop shows where it is another
 *   one, `untried.messages` up to a thousand messages as JSON.
 * - `receipts.dated` is the message's own date in seconds since 1970; null where it has none or nobody knew it.
 * - `volumes` are the archives' finished files.
 */
export const schema = `
  CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    host TEXT NOT NULL,
    user TEXT NOT NULL,
    memory TEXT NOT NULL DEFAULT '{}',
    listing BLOB,
    outcome TEXT,
    last_run TEXT,
    last_at INTEGER,
    last_status TEXT,
    last_code TEXT,
    last_error TEXT
  ) STRICT;
  CREATE TABLE lanes (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id),
    target TEXT NOT NULL,
    place TEXT NOT NULL,
    position TEXT,
    begun TEXT,
    begun_at INTEGER,
    proved INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, target)
  ) STRICT;
  CREATE TABLE receipts (
    lane INTEGER NOT NULL REFERENCES lanes (id),
    seq INTEGER NOT NULL,
    key BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    place TEXT NOT NULL,
    stored BLOB,
    flags TEXT NOT NULL,
    fingerprint BLOB,
    listed INTEGER NOT NULL,
    at INTEGER NOT NULL,
    dated INTEGER,
    PRIMARY KEY (lane, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE lost (
    lane INTEGER NOT NULL REFERENCES lanes (id),
    key BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    place TEXT NOT NULL,
    stored BLOB,
    flags TEXT NOT NULL,
    fingerprint BLOB,
    listed INTEGER NOT NULL,
    dated INTEGER,
    PRIMARY KEY (lane, key)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX receipts_by_key ON receipts (lane, key);
  CREATE TABLE quarantine (
    lane INTEGER NOT NULL REFERENCES lanes (id),
    key BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    flags TEXT NOT NULL,
    code TEXT NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (lane, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE identities (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id),
    key BLOB NOT NULL,
    original BLOB,
    doubt TEXT,
    UNIQUE (account, key)
  ) STRICT;
  CREATE TABLE unproven (
    lane INTEGER NOT NULL REFERENCES lanes (id),
    key BLOB NOT NULL,
    PRIMARY KEY (lane, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE deletions (
    account INTEGER NOT NULL REFERENCES accounts (id),
    key BLOB NOT NULL,
    listed BLOB NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE failures (
    account INTEGER NOT NULL REFERENCES accounts (id),
    lane INTEGER REFERENCES lanes (id),
    key BLOB NOT NULL,
    code TEXT NOT NULL,
    error TEXT NOT NULL,
    listed BLOB,
    size INTEGER,
    unlisted INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX failures_by_message ON failures (account, key);
${tables2}  CREATE TABLE runs (
    run TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    exit_code INTEGER
  ) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

/** What a ledger of each version lacks compared with the next one. */
export const migrations: Readonly<Record<number, string>> = {
  1: `
    ALTER TABLE accounts ADD COLUMN outcome TEXT;
    ALTER TABLE receipts ADD COLUMN dated INTEGER;
    ALTER TABLE lost ADD COLUMN dated INTEGER;
    ALTER TABLE failures ADD COLUMN listed BLOB;
    ALTER TABLE failures ADD COLUMN size INTEGER;
    ALTER TABLE failures ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0;
    DROP INDEX failures_by_account;
    CREATE INDEX failures_by_message ON failures (account, key);
    ${tables2}
    PRAGMA user_version = 2;
  `,
}

/** A ledger of each older version as one of the newest, for somebody who must not change it. */
export const views: Readonly<Record<number, string>> = {
  1: `
    CREATE TEMP VIEW accounts AS SELECT *, NULL AS outcome FROM main.accounts;
    CREATE TEMP VIEW receipts AS SELECT *, NULL AS dated FROM main.receipts;
    CREATE TEMP VIEW lost AS SELECT *, NULL AS dated FROM main.lost;
    CREATE TEMP VIEW failures AS SELECT *, NULL AS listed, NULL AS size, 0 AS unlisted FROM main.failures;
    CREATE TEMP TABLE untried (account INTEGER, page INTEGER, state TEXT, messages TEXT);
    CREATE TEMP TABLE volumes (lane INTEGER, path TEXT, sha256 BLOB, messages INTEGER, bytes INTEGER, at INTEGER);
  `,
}

/**
 * Needed only where messages are recognised by their bytes; every receipt would pay for it, so a ledger gets them when
 * somebody asks for the first time.
 */
export const contentIndexes = `
  CREATE INDEX IF NOT EXISTS receipts_by_digest ON receipts (sha256);
  CREATE INDEX IF NOT EXISTS receipts_by_fingerprint ON receipts (fingerprint);
`
