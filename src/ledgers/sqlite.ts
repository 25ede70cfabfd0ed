import { join } from 'node:path'
import type {
  AccountMemory,
  AccountStatus,
  AccountSummary,
  Amendment,
  Delivered,
  Enrolment,
  Findings,
  Identity,
  KnownAccount,
  KnownMessage,
  LaneStep,
  Ledger,
  Likeness,
} from '../ports/ledger.js'
import type { DeletionBook } from '../ports/deletion-book.js'
import type { KeptFor } from '../ports/quarantine.js'
import type { Records } from '../ports/records.js'
import type { Announced, Lane, Position, Progress, Receipt } from '../ports/target.js'
import { Connection } from './connection.js'
import type { Row } from './driver.js'
import { SqliteDeletionBook } from './deletions.js'
import { accountId, enrolAll, knownAccounts } from './enrolment.js'
import { findMessages, identitiesAfter, identityOf, lastListing, recordFindings } from './identities.js'
import { keyText } from './keys.js'
import { recallAccount, rememberAccount } from './memory.js'
import { type LedgerFile, openLedgerDatabase } from './open.js'
import { recordOutcome } from './outcome.js'
import { keptOf, recordKept } from './quarantine.js'
import { amendLane, insertReceipts, moveReceipt, receiptOf } from './receipts.js'
import { SqliteRecords } from './records.js'
import { contentIndexes } from './schema.js'
import { seal } from './seal.js'
import { accountStatus } from './status.js'
import { insertVolume } from './volumes.js'

/** Opens the ledger of a state folder. */
export async function openLedger(options: LedgerFile): Promise<Ledger> {
  const database = await openLedgerDatabase(options)
  const file = join(options.folder, 'ledger.db')
  const sealed = async (): Promise<void> => (options.readOnly ? undefined : seal(file))
  return new SqliteLedger(new Connection(database, { ...options, file }), sealed)
}

/** Rows read at once: a page never holds the event loop or a lock for long. */
const pageSize = 5000

interface LaneRow {
  readonly id: number
  /** The number of the next receipt. */
  seq: number
}

class SqliteLedger implements Ledger {
  readonly deletions: DeletionBook
  readonly records: Records
  readonly #connection: Connection
  /** What is left to do once it is closed. */
  readonly #sealed: () => Promise<void>
  readonly #lanes = new Map<string, LaneRow>()
  /** Messages can be found by their bytes. */
  #indexed = false
  #closed = false

  constructor(connection: Connection, sealed: () => Promise<void>) {
    this.#connection = connection
    this.#sealed = sealed
    this.deletions = new SqliteDeletionBook(connection)
    this.records = new SqliteRecords(connection)
  }

  async known(): Promise<readonly KnownAccount[]> {
    return this.#connection.read(() => knownAccounts(this.#connection))
  }

  async enrol(enrolments: readonly Enrolment[]): Promise<void> {
    await this.#connection.write(() => {
      enrolAll(this.#connection, enrolments)
    })
    this.#lanes.clear()
  }

  async load(lane: Lane): Promise<Progress> {
    return this.#connection.read(() => {
      const [row] = this.#connection.all(
        `SELECT origin, position, begun, begun_at, messages FROM lanes JOIN accounts ON accounts.id = account
          WHERE name = ? AND target = ?`,
        lane.account,
        lane.target,
      )
      if (!row) throw new Error(`lane ${lane.account}/${lane.target} was never enrolled`)
      const position = row['position']
      return {
        origin: String(row['origin']),
        position: position === null ? undefined : (String(position) as Position),
        begunAt: row['begun_at'] === null ? undefined : Number(row['begun_at']),
        announced: row['begun'] === null ? [] : (JSON.parse(String(row['begun'])) as Announced[]),
        receipts: Number(row['messages']),
      }
    })
  }

  async *delivered(lane: Lane): AsyncIterable<readonly Delivered[]> {
    for await (const rows of this.#pages(lane, 'seq, key, listed')) {
      yield rows.map((row) => ({ key: keyText(row['key']), listed: Number(row['listed']) }))
    }
  }

  async *receipts(lane: Lane): AsyncIterable<Receipt> {
    for await (const rows of this.#pages(lane, '*')) yield* rows.map(receiptOf)
  }

  async *lost(lane: Lane): AsyncIterable<Receipt> {
    const sql = `SELECT * FROM lost WHERE lane = ? ORDER BY key LIMIT ${pageSize} OFFSET ?`
    for (let from = 0; ; from += pageSize) {
      const rows = await this.#connection.read(() => this.#connection.all(sql, this.#find(lane)?.id ?? null, from))
      yield* rows.map(receiptOf)
      if (rows.length < pageSize) return
    }
  }

  async amend(lane: Lane, amendment: Amendment): Promise<void> {
    await this.#connection.write(() => {
      const { id, seq } = this.#lane(lane)
      amendLane(this.#connection, { id, seq }, amendment)
    })
    // The numbers of the receipts are asked for anew.
    this.#lanes.delete(nameOf(lane))
  }

  async listing(account: string): Promise<Uint8Array | undefined> {
    return this.#connection.read(() => lastListing(this.#connection, account))
  }

  async *identities(account: string): AsyncIterable<readonly Identity[]> {
    let after = 0
    for (;;) {
      const from = after
      const rows = await this.#connection.read(() => {
        const id = accountId(this.#connection, account)
        return id === undefined ? [] : identitiesAfter(this.#connection, id, from, pageSize)
      })
      const last = rows.at(-1)
      if (!last) return
      after = Number(last['id'])
      yield rows.map(identityOf)
    }
  }

  async find(account: string, what: Likeness): Promise<readonly KnownMessage[]> {
    if (!this.#indexed && ('sha256' in what || 'fingerprint' in what)) {
      await this.#connection.write(() => {
        this.#connection.exec(contentIndexes)
      })
      this.#indexed = true
    }
    return this.#connection.read(() => findMessages(this.#connection, this.#account(account), what))
  }

  async identify(account: string, findings: Findings): Promise<void> {
    await this.#connection.write(() => {
      recordFindings(this.#connection, this.#account(account), findings)
    })
  }

  async advance(lane: Lane, { committed, begun, moved = [], volume }: LaneStep): Promise<void> {
    let seq = 0
    await this.#connection.write(() => {
      const row = this.#lane(lane)
      seq = row.seq
      if (committed) {
        insertReceipts(this.#connection, row.id, seq, committed)
        seq += committed.receipts.length
        const bytes = committed.receipts.reduce((sum, { size }) => sum + size, 0)
        this.#connection.run(
          `UPDATE lanes SET position = ?, begun = NULL, begun_at = NULL, messages = messages + ?, bytes = bytes + ?
            WHERE id = ?`,
          committed.position,
          committed.receipts.length,
          bytes,
          row.id,
        )
        recordKept(this.#connection, row.id, committed.kept ?? [])
      }
      for (const receipt of moved) moveReceipt(this.#connection, row.id, receipt)
      if (volume) insertVolume(this.#connection, row.id, volume)
      if (begun) {
        const sql = 'UPDATE lanes SET position = ?, begun = ?, begun_at = ? WHERE id = ?'
        this.#connection.run(sql, begun.position, JSON.stringify(begun.announced), begun.at, row.id)
      }
    })
    // Only now: a transaction that waited for a lock is worked through from the start.
    const row = this.#lanes.get(nameOf(lane))
    if (row) row.seq = seq
  }

  async kept(account: string): Promise<readonly KeptFor[]> {
    return this.#connection.read(() => keptOf(this.#connection, account))
  }

  async recall(account: string): Promise<AccountMemory> {
    return this.#connection.read(() => recallAccount(this.#connection, account))
  }

  async remember(account: string, learnt: Partial<AccountMemory>): Promise<void> {
    await this.#connection.write(() => {
      rememberAccount(this.#connection, account, learnt)
    })
  }

  async startRun(run: string, startedAt: number): Promise<void> {
    await this.#connection.write(() => {
      this.#connection.run('INSERT INTO runs (run, started_at) VALUES (?, ?)', run, startedAt)
    })
  }

  async finishAccount(account: string, summary: AccountSummary): Promise<void> {
    await this.#connection.write(() => {
      const laneOf = (target: string): number => this.#lane({ account, target }).id
      recordOutcome(this.#connection, this.#account(account), { summary, laneOf })
    })
  }

  async finishRun(run: string, finishedAt: number, exitCode: number): Promise<void> {
    const sql = 'UPDATE runs SET finished_at = ?, exit_code = ? WHERE run = ?'
    await this.#connection.write(() => {
      this.#connection.run(sql, finishedAt, exitCode, run)
    })
  }

  async status(): Promise<readonly AccountStatus[]> {
    const accounts = await this.#connection.read(() => this.#connection.all('SELECT * FROM accounts ORDER BY name'))
    const states: AccountStatus[] = []
    // One short read for each account, so that a run in another process never waits long for us.
    for (const account of accounts)
      states.push(await this.#connection.read(() => accountStatus(this.#connection, account)))
    return states
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#connection.close()
    if (this.#connection.sound) await this.#sealed()
  }

  /** A lane's receipts in pages, oldest first. */
  async *#pages(lane: Lane, columns: string): AsyncIterable<readonly Row[]> {
    const id = await this.#connection.read(() => this.#find(lane)?.id)
    let after = 0
    while (id !== undefined) {
      const from = after
      const sql = `SELECT ${columns} FROM receipts WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ${pageSize}`
      const rows = await this.#connection.read(() => this.#connection.all(sql, id, from))
      const last = rows.at(-1)
      if (!last) return
      after = Number(last['seq'])
      yield rows
    }
  }

  #account(name: string): number {
    const id = accountId(this.#connection, name)
    if (id === undefined) throw new Error(`account ${name} was never enrolled`)
    return id
  }

  #lane(lane: Lane): LaneRow {
    const row = this.#find(lane)
    if (!row) throw new Error(`lane ${lane.account}/${lane.target} was never enrolled`)
    return row
  }

  /** Undefined in a dry run, for a lane that was never enrolled. */
  #find(lane: Lane): LaneRow | undefined {
    const name = nameOf(lane)
    const known = this.#lanes.get(name)
    if (known) return known
    const [found] = this.#connection.all(
      'SELECT lanes.id FROM lanes JOIN accounts ON accounts.id = account WHERE name = ? AND target = ?',
      lane.account,
      lane.target,
    )
    if (!found) return undefined
    const id = Number(found['id'])
    // Numbers that were proven are not given again, even if what had them was lost.
    const sql = `SELECT max(proved, coalesce((SELECT max(seq) FROM receipts WHERE lane = lanes.id), 0)) AS seq FROM lanes`
    const [last] = this.#connection.all(`${sql} WHERE id = ?`, id)
    const row = { id, seq: Number(last?.['seq'] ?? 0) + 1 }
    this.#lanes.set(name, row)
    return row
  }
}

function nameOf({ account, target }: Lane): string {
  return `${account}\n${target}`
}
