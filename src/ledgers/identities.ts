import type { Findings, Identity, KnownMessage, Likeness } from '../ports/ledger.js'
import { type MessageKey, uidlOf } from '../ports/message.js'
import type { Connection } from './connection.js'
import type { Row, Value } from './driver.js'
import { bytesOf, hex, keyBytes, keyText } from './keys.js'

/** See Ledger.listing. */
export function lastListing(connection: Connection, account: string): Uint8Array | undefined {
  const [row] = connection.all('SELECT listing FROM accounts WHERE name = ?', account)
  const listing = row?.['listing'] ?? null
  return listing === null ? undefined : (listing as Uint8Array)
}

/** One page of an account's identities, behind the given row. */
export function identitiesAfter(connection: Connection, account: number, id: number, limit: number): readonly Row[] {
  const sql = 'SELECT * FROM identities WHERE account = ? AND id > ? ORDER BY id LIMIT ?'
  return connection.all(sql, account, id, limit)
}

export function identityOf(row: Row): Identity {
  const original = row['original'] ?? null
  return {
    key: keyText(row['key']),
    ...(original !== null && { original: keyText(original) }),
    ...(row['doubt'] !== null && { doubt: row['doubt'] === 'reset' ? 'reset' : 'shared' }),
  }
}

/** See Ledger.find; what goes by digests needs the indexes of `contentIndexes`. */
export function findMessages(connection: Connection, account: number, what: Likeness): readonly KnownMessage[] {
  if ('key' in what) return known(byKey(connection, account, what.key))
  if ('uidl' in what) return known(byUidl(connection, account, what.uidl))
  const [index, column, digits] =
    'sha256' in what
      ? ['receipts_by_digest', 'sha256', what.sha256]
      : ['receipts_by_fingerprint', 'fingerprint', what.fingerprint]
  // Left alone, SQLite may walk through all receipts of the account's lanes instead.
  const sql = `SELECT ${columns} FROM receipts INDEXED BY ${index} CROSS JOIN lanes ON lanes.id = lane
    WHERE ${column} = ? AND account = ? AND NOT EXISTS (${deleted}) ORDER BY lane, seq`
  return known(connection.all(sql, bytesOf(digits), account))
}

/** Carries out findings, inside a transaction; see Ledger.identify. */
export function recordFindings(connection: Connection, account: number, findings: Findings): void {
  const { listing, identities = [], dissolved = [], sizes = [], byHeader = [] } = findings
  if (listing) connection.run('UPDATE accounts SET listing = ? WHERE id = ?', listing, account)
  for (const key of dissolved) forget(connection, account, key)
  for (const { key, original, doubt } of identities) {
    // A new row: the order of rows is that of the findings.
    forget(connection, account, key)
    const values = [account, keyBytes(key), original === undefined ? null : keyBytes(original), doubt ?? null]
    connection.run('INSERT INTO identities (account, key, original, doubt) VALUES (?, ?, ?, ?)', ...values)
  }
  for (const { key, listed } of sizes) {
    connection.run(`UPDATE receipts SET listed = ? WHERE key = ? AND ${ofAccount}`, listed, keyBytes(key), account)
  }
  for (const key of byHeader) {
    const sql = `UPDATE receipts SET flags = trim(flags || ' reidentified-by-header')
      WHERE key = ? AND ${ofAccount} AND instr(flags, 'reidentified-by-header') = 0`
    connection.run(sql, keyBytes(key), account)
  }
}

const columns = 'key, sha256, size, fingerprint, target'
/** A message that is gone from the source because we deleted it does not come back under another id. */
const deleted = `SELECT 1 FROM deletions
  WHERE deletions.account = lanes.account AND deletions.key = receipts.key AND state = 'gone'`
const ofAccount = 'lane IN (SELECT id FROM lanes WHERE account = ?)'

function forget(connection: Connection, account: number, key: MessageKey): void {
  connection.run('DELETE FROM identities WHERE account = ? AND key = ?', account, keyBytes(key))
}

function byKey(connection: Connection, account: number, key: MessageKey): readonly Row[] {
  const sql = `SELECT ${columns} FROM lanes CROSS JOIN receipts ON lane = lanes.id AND key = ? WHERE account = ?`
  return connection.all(sql, keyBytes(key), account)
}

/** All occurrences of one UIDL, and the messages that some of them stand for. */
function byUidl(connection: Connection, account: number, uidl: string): readonly Row[] {
  // Behind a UIDL there is nothing or a line feed. With one range, SQLite goes straight to it; with two it walks through all.
  const range = [uidl, `${uidl}\x0b`].map((text): Value => Buffer.from(text, 'latin1'))
  const within = 'key >= ? AND key < ?'
  const belongs = (row: Row): boolean => uidlOf(keyText(row['key'])) === uidl
  const own = `SELECT ${columns} FROM lanes CROSS JOIN receipts ON lane = lanes.id AND ${within} WHERE account = ?`
  const others = `SELECT key, original FROM identities WHERE account = ? AND ${within} AND original IS NOT NULL`
  return [
    ...connection.all(own, ...range, account).filter(belongs),
    ...connection
      .all(others, account, ...range)
      .filter(belongs)
      .flatMap((row) => byKey(connection, account, keyText(row['original']))),
  ]
}

/** One for each key; where lanes hold different bytes for it, those of the first. */
function known(rows: readonly Row[]): readonly KnownMessage[] {
  const messages = new Map<MessageKey, KnownMessage & { readonly targets: string[] }>()
  for (const row of rows) {
    const key = keyText(row['key'])
    const target = String(row['target'])
    const message = messages.get(key)
    const fingerprint = row['fingerprint'] ?? null
    if (!message) {
      messages.set(key, {
        key,
        sha256: hex(row['sha256']),
        size: Number(row['size']),
        fingerprint: fingerprint === null ? undefined : hex(fingerprint),
        targets: [target],
      })
    } else if (!message.targets.includes(target)) message.targets.push(target)
  }
  return [...messages.values()]
}
