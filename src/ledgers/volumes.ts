import type { LaneStep } from '../ports/ledger.js'
import type { Connection } from './connection.js'

/** A lane's finished volume, inside a transaction. Where an earlier one of this name was taken away, this one is it now. */
export function insertVolume(connection: Connection, lane: number, volume: NonNullable<LaneStep['volume']>): void {
  const { path, sha256, messages, bytes, at } = volume
  const sql = 'INSERT OR REPLACE INTO volumes (lane, path, sha256, messages, bytes, at) VALUES (?, ?, ?, ?, ?, ?)'
  connection.run(sql, lane, path, Buffer.from(sha256, 'hex'), messages, bytes, at)
}
