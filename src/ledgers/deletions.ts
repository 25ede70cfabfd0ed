import type { Copied, DeletionBook, ListedMessage, Proof, Requested } from '../ports/deletion-book.js'
import type { MessageKey } from '../ports/message.js'
import type { Lane, Receipt } from '../ports/target.js'
import type { Connection } from './connection.js'
import type { Row, Value } from './driver.js'
import { accountId } from './enrolment.js'
import { keyBytes, keyText } from './keys.js'
import { receiptOf } from './receipts.js'

/** Rows read or asked for at once. */
const pageSize = 1000

/**
 * Proofs cost nothing per message: all receipts of a lane up to `lanes.proved` were read back, and `unproven` names the few
 * among them whose copy was not found as it should be.
 */
export class SqliteDeletionBook implements DeletionBook {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async *unproven(lane: Lane): AsyncIterable<Receipt> {
    const found = await this.#connection.read(() => laneRow(this.#connection, lane))
    if (!found) return
    const doubted = `SELECT receipts.* FROM unproven JOIN receipts USING (lane, key) JOIN lanes ON lanes.id = lane
      WHERE lane = ? AND seq > ? AND seq <= proved ORDER BY seq LIMIT ${pageSize}`
    const unread = `SELECT * FROM receipts WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ${pageSize}`
    yield* this.#receipts(doubted, found.id, 0)
    yield* this.#receipts(unread, found.id, found.proved)
  }

  async prove(lane: Lane, { proven, doubted }: Proof): Promise<void> {
    await this.#connection.write(() => {
      const found = laneRow(this.#connection, lane)
      if (!found) throw new Error(`lane ${lane.account}/${lane.target} was never enrolled`)
      let { proved } = found
      for (const key of [...proven, ...doubted]) proved = Math.max(proved, this.#seqOf(found.id, key))
      for (const key of proven) {
        this.#connection.run('DELETE FROM unproven WHERE lane = ? AND key = ?', found.id, keyBytes(key))
      }
      for (const key of doubted) this.#markUnproven(found.id, key)
      this.#connection.run('UPDATE lanes SET proved = ? WHERE id = ?', proved, found.id)
    })
  }

  async doubt(lane: Lane, keys: readonly MessageKey[]): Promise<void> {
    await this.#connection.write(() => {
      const found = laneRow(this.#connection, lane)
      if (found) for (const key of keys) this.#markUnproven(found.id, key)
    })
  }

  async deletable(lanes: readonly Lane[], when: Copied, keys: readonly MessageKey[]): Promise<readonly MessageKey[]> {
    const deletable: MessageKey[] = []
    for (let at = 0; at < keys.length; at += pageSize) {
      const page = keys.slice(at, at + pageSize)
      const found = await this.#connection.read(() => {
        const ids = lanes.map((lane) => laneRow(this.#connection, lane)?.id ?? 0)
        return page.filter((key) => ids.every((id) => this.#isSafe(id, when, keyBytes(key))))
      })
      deletable.push(...found)
    }
    return lanes.length > 0 ? deletable : []
  }

  async request(account: string, messages: readonly ListedMessage[], at: number): Promise<void> {
    const sql = "INSERT OR REPLACE INTO deletions (account, key, listed, at, state) VALUES (?, ?, ?, ?, 'open')"
    await this.#write(account, (id) => {
      for (const { key, listed } of messages) this.#connection.run(sql, id, keyBytes(key), keyBytes(listed), at)
    })
  }

  async settle(account: string, keys: readonly MessageKey[], state: 'gone' | 'kept'): Promise<void> {
    const sql = 'UPDATE deletions SET state = ? WHERE account = ? AND key = ?'
    await this.#write(account, (id) => {
      for (const key of keys) this.#connection.run(sql, state, id, keyBytes(key))
    })
  }

  async *requested(account: string): AsyncIterable<readonly Requested[]> {
    let last: Row | undefined
    for (;;) {
      const from = last
      const rows = await this.#connection.read(() => {
        const id = accountId(this.#connection, account)
        if (id === undefined) return []
        // The first page has a query of its own: libsql takes an empty blob for NULL.
        const values: Value[] = [id, ...(from ? [keyBytes(keyText(from['key']))] : [])]
        const behind = from ? 'AND key > ?' : ''
        const sql = `SELECT key, listed, state FROM deletions WHERE account = ? ${behind} ORDER BY key LIMIT ${pageSize}`
        return this.#connection.all(sql, ...values)
      })
      last = rows.at(-1)
      if (!last) return
      yield rows.map((row) => {
        return {
          key: keyText(row['key']),
          listed: keyText(row['listed']),
          state: String(row['state']) as Requested['state'],
        }
      })
    }
  }

  async *#receipts(sql: string, lane: number, from: number): AsyncIterable<Receipt> {
    for (let after = from; ;) {
      const seq = after
      const rows = await this.#connection.read(() => this.#connection.all(sql, lane, seq))
      const last = rows.at(-1)
      if (!last) return
      after = Number(last['seq'])
      yield* rows.map(receiptOf)
    }
  }

  async #write(account: string, work: (id: number) => void): Promise<void> {
    await this.#connection.write(() => {
      const id = accountId(this.#connection, account)
      if (id === undefined) throw new Error(`account ${account} was never enrolled`)
      work(id)
    })
  }

  #markUnproven(lane: number, key: MessageKey): void {
    this.#connection.run('INSERT OR IGNORE INTO unproven (lane, key) VALUES (?, ?)', lane, keyBytes(key))
  }

  #seqOf(lane: number, key: MessageKey): number {
    const [row] = this.#connection.all('SELECT seq FROM receipts WHERE lane = ? AND key = ?', lane, keyBytes(key))
    return Number(row?.['seq'] ?? 0)
  }

  #isSafe(lane: number, { since, until }: Copied, key: Uint8Array): boolean {
    const sql = `SELECT flags FROM receipts JOIN lanes ON lanes.id = lane
      WHERE lane = ? AND key = ? AND seq <= proved AND at > ? AND at <= ?
        AND NOT EXISTS (SELECT 1 FROM unproven WHERE unproven.lane = receipts.lane AND unproven.key = receipts.key)
        AND NOT EXISTS (SELECT 1 FROM receipts other WHERE other.lane = receipts.lane AND other.key = ?)`
    const second = Buffer.concat([key, Buffer.from('\n2')])
    const [row] = this.#connection.all(sql, lane, key, since, until, second)
    return (
      row !== undefined &&
      !String(row['flags'])
        .split(' ')
        .some((flag) => doubtful.has(flag))
    )
  }
}

/** What these flags say of a message forbids its deletion (CONTRACT, guarantee 1). */
const doubtful: ReadonlySet<string> = new Set(['size-mismatch', 'reidentified-by-header'])

function laneRow(
  connection: Connection,
  { account, target }: Lane,
): { readonly id: number; readonly proved: number } | undefined {
  const sql = 'SELECT lanes.id, proved FROM lanes JOIN accounts ON accounts.id = account WHERE name = ? AND target = ?'
  const [row] = connection.all(sql, account, target)
  return row && { id: Number(row['id']), proved: Number(row['proved']) }
}
