import type { Flag } from '../ports/message.js'
import type { Receipt } from '../ports/target.js'
import type { Connection } from './connection.js'
import type { Row } from './driver.js'
import { bytesOf, hex, keyBytes, keyText } from './keys.js'

/** Adds a lane's receipt under its number, inside a transaction. */
export function insertReceipt(
  connection: Connection,
  lane: number,
  seq: number,
  { receipt, at }: { readonly receipt: Receipt; readonly at: number },
): void {
  const { key, sha256, size, where, stored, flags, fingerprint, listed = 0 } = receipt
  connection.run(
    `INSERT INTO receipts (lane, seq, key, sha256, size, place, stored, flags, fingerprint, listed, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    lane,
    seq,
    keyBytes(key),
    bytesOf(sha256),
    size,
    where,
    bytesOf(stored),
    flags.join(' '),
    bytesOf(fingerprint),
    listed,
    at,
  )
}

/** The message stands elsewhere now. */
export function moveReceipt(
  connection: Connection,
  lane: number,
  { key, where }: Pick<Receipt, 'key' | 'where'>,
): void {
  connection.run('UPDATE receipts SET place = ? WHERE lane = ? AND key = ?', where, lane, keyBytes(key))
}

export function receiptOf(row: Row): Receipt {
  const stored = row['stored'] ?? null
  const fingerprint = row['fingerprint'] ?? null
  const listed = Number(row['listed'])
  return {
    key: keyText(row['key']),
    sha256: hex(row['sha256']),
    size: Number(row['size']),
    where: String(row['place']),
    flags: String(row['flags']).split(' ').filter(Boolean) as Flag[],
    ...(stored !== null && { stored: hex(stored) }),
    ...(fingerprint !== null && { fingerprint: hex(fingerprint) }),
    ...(listed !== 0 && { listed }),
  }
}
