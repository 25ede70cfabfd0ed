import type { Flag } from '../ports/message.js'
import type { Kept, KeptFor } from '../ports/quarantine.js'
import type { Connection } from './connection.js'
import { hex, keyBytes, keyText } from './keys.js'

/** An account's messages in quarantine; see Ledger.kept. */
export function keptOf(connection: Connection, account: string): readonly KeptFor[] {
  const sql = `SELECT target, origin, quarantine.* FROM accounts JOIN lanes ON account = accounts.id
    JOIN quarantine ON lane = lanes.id WHERE name = ? ORDER BY lane, key`
  return connection.all(sql, account).map((row) => ({
    target: String(row['target']),
    origin: String(row['origin']),
    key: keyText(row['key']),
    sha256: hex(row['sha256']),
    size: Number(row['size']),
    flags: String(row['flags']).split(' ').filter(Boolean) as Flag[],
    code: String(row['code']),
    error: String(row['error']),
  }))
}

/** Inside the transaction that commits a lane's batch: takes in what was refused, and lets go what has a receipt. */
export function recordKept(connection: Connection, lane: number, kept: readonly Kept[]): void {
  for (const { key, sha256, size, flags, code, error } of kept) {
    connection.run(
      'INSERT OR REPLACE INTO quarantine (lane, key, sha256, size, flags, code, error) VALUES (?, ?, ?, ?, ?, ?, ?)',
      lane,
      keyBytes(key),
      Buffer.from(sha256, 'hex'),
      size,
      flags.join(' '),
      code,
      // libsql ends a text at a NUL.
      error.replaceAll('\0', ''),
    )
  }
  const delivered = 'SELECT 1 FROM receipts WHERE receipts.lane = quarantine.lane AND receipts.key = quarantine.key'
  connection.run(`DELETE FROM quarantine WHERE lane = ? AND EXISTS (${delivered})`, lane)
}
