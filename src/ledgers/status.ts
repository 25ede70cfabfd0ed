import type { AccountStatus } from '../ports/ledger.js'
import type { Connection } from './connection.js'
import type { Row } from './driver.js'

/** What an account's lanes hold; see Ledger.status. */
export function accountStatus(connection: Connection, account: Row): AccountStatus {
  const lanes = connection.all(
    `SELECT target, messages, bytes, (SELECT count(DISTINCT f.key) FROM failures f WHERE f.account = lanes.account AND
        (f.lane = lanes.id OR f.lane IS NULL) AND NOT EXISTS
          (SELECT 1 FROM receipts r WHERE r.lane = lanes.id AND r.key = f.key)) AS failed
      FROM lanes WHERE account = ? ORDER BY id`,
    account['id'] ?? null,
  )
  return {
    account: String(account['name']),
    targets: lanes.map((lane) => ({
      target: String(lane['target']),
      messages: Number(lane['messages']),
      bytes: Number(lane['bytes']),
      failed: Number(lane['failed']),
    })),
    lastRun:
      account['last_run'] === null
        ? undefined
        : {
            run: String(account['last_run']),
            at: Number(account['last_at']),
            status: String(account['last_status']),
          },
  }
}
