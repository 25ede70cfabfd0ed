import type { Amendment } from '../ports/ledger.js'
import type { Flag } from '../ports/message.js'
import type { Receipt } from '../ports/target.js'
import type { Connection } from './connection.js'
import type { Row } from './driver.js'
import { bytesOf, hex, keyBytes, keyText } from './keys.js'

/** Adds a lane's receipts under their numbers, from `seq` on, inside a transaction. */
export function insertReceipts(
  connection: Connection,
  lane: number,
  seq: number,
  { receipts, at }: { readonly receipts: readonly Receipt[]; readonly at: number },
): void {
  // Hardly any lane has rows there; a look for each message costs twice what writing it does.
  const doubted = ['lost', 'unproven'].filter(
    (table) => connection.all(`SELECT 1 FROM ${table} WHERE lane = ? LIMIT 1`, lane).length > 0,
  )
  for (const [index, receipt] of receipts.entries()) {
    for (const table of doubted) {
      connection.run(`DELETE FROM ${table} WHERE lane = ? AND key = ?`, lane, keyBytes(receipt.key))
    }
    insertReceipt(connection, lane, seq + index, { receipt, at })
  }
}

function insertReceipt(
  connection: Connection,
  lane: number,
  seq: number,
  { receipt, at }: { readonly receipt: Receipt; readonly at: number },
): void {
  const { key, sha256, size, where, stored, flags, fingerprint, listed = 0, date } = receipt
  connection.run(
    `INSERT INTO receipts (lane, seq, key, sha256, size, place, stored, flags, fingerprint, listed, at, dated)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    date === undefined ? null : Math.floor(date / 1000),
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

/** Carries out an amendment, inside a transaction; see Ledger.amend. `seq` is the number of the lane's next receipt. */
export function amendLane(
  connection: Connection,
  { id, seq }: { readonly id: number; readonly seq: number },
  { lost = [], found = [], position, at }: Amendment,
): void {
  const columns = 'lane, key, sha256, size, place, stored, flags, fingerprint, listed, dated'
  for (const key of lost) {
    const sql = `INSERT INTO lost (${columns}) SELECT ${columns} FROM receipts WHERE lane = ? AND key = ?`
    connection.run(sql, id, keyBytes(key))
    connection.run('DELETE FROM receipts WHERE lane = ? AND key = ?', id, keyBytes(key))
  }
  for (const [index, receipt] of found.entries()) {
    const { key } = receipt
    // What only moved keeps its number, its day and what was proven of it.
    const moved = connection.all('SELECT 1 FROM receipts WHERE lane = ? AND key = ?', id, keyBytes(key)).length > 0
    if (moved) moveReceipt(connection, id, receipt)
    else insertReceipts(connection, id, seq + index, { receipts: [receipt], at })
  }
  if (position !== undefined) connection.run('UPDATE lanes SET position = ? WHERE id = ?', position, id)
  if (lost.length + found.length === 0) return
  const sums = '(SELECT count(*), coalesce(sum(size), 0) FROM receipts WHERE lane = lanes.id)'
  connection.run(`UPDATE lanes SET (messages, bytes) = ${sums} WHERE id = ?`, id)
}

export function receiptOf(row: Row): Receipt {
  const stored = row['stored'] ?? null
  const fingerprint = row['fingerprint'] ?? null
  const listed = Number(row['listed'])
  const dated = row['dated'] ?? null
  return {
    key: keyText(row['key']),
    sha256: hex(row['sha256']),
    size: Number(row['size']),
    where: String(row['place']),
    flags: String(row['flags']).split(' ').filter(Boolean) as Flag[],
    ...(stored !== null && { stored: hex(stored) }),
    ...(fingerprint !== null && { fingerprint: hex(fingerprint) }),
    ...(listed !== 0 && { listed }),
    ...(dated !== null && { date: Number(dated) * 1000 }),
  }
}
