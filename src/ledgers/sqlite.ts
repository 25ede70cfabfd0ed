import { join } from 'node:path'
import type {
  AccountMemory,
  AccountStatus,
  AccountSummary,
  Enrolment,
  KnownAccount,
  LaneStep,
  Ledger,
} from '../ports/ledger.js'
import type { Flag, MessageKey } from '../ports/message.js'
import type { KeptFor } from '../ports/quarantine.js'
import type { Announced, Lane, Position, Progress, Receipt } from '../ports/target.js'
import { Connection } from './connection.js'
import type { Row } from './driver.js'
import { accountId, enrolAll, knownAccounts } from './enrolment.js'
import { hex, keyBytes, keyText } from './keys.js'
import { recallAccount, rememberAccount } from './memory.js'
import { type LedgerFile, openLedgerDatabase } from './open.js'
import { keptOf, recordKept } from './quarantine.js'

/** Opens the ledger of a state folder. */
export async function openLedger(options: LedgerFile): Promise<Ledger> {
  const database = await openLedgerDatabase(options)
  return new SqliteLedger(new Connection(database, { ...options, file: join(options.folder, 'ledger.db') }))
}

/** Rows read at once: a page never holds the event loop or a lock for long. */
const pageSize = 5000

interface LaneRow {
  readonly id: number
  /** The number of the next receipt. */
  seq: number
}

class SqliteLedger implements Ledger {
  readonly #connection: Connection
  readonly #lanes = new Map<string, LaneRow>()

  constructor(connection: Connection) {
    this.#connection = connection
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

  async *delivered(lane: Lane): AsyncIterable<readonly MessageKey[]> {
    const id = await this.#connection.read(() => this.#find(lane)?.id)
    let last: Row | undefined
    while (id !== undefined) {
      // The first page has a query of its own: libsql takes an empty blob for NULL.
      const [condition, values] = last ? ['AND key > ?', [id, keyBytes(keyText(last['key']))]] : ['', [id]]
      const sql = `SELECT key FROM receipts WHERE lane = ? ${condition} ORDER BY key LIMIT ${pageSize}`
      const rows = await this.#connection.read(() => this.#connection.all(sql, ...values))
      last = rows.at(-1)
      if (!last) return
      yield rows.map((row) => keyText(row['key']))
    }
  }

  async *receipts(lane: Lane): AsyncIterable<Receipt> {
    const id = await this.#connection.read(() => this.#find(lane)?.id)
    let after = 0
    while (id !== undefined) {
      const from = after
      const rows = await this.#connection.read(() =>
        this.#connection.all(
          `SELECT * FROM receipts WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ${pageSize}`,
          id,
          from,
        ),
      )
      const last = rows.at(-1)
      if (!last) return
      after = Number(last['seq'])
      yield* rows.map(receiptOf)
    }
  }

  async advance(lane: Lane, { committed, begun }: LaneStep): Promise<void> {
    let seq = 0
    await this.#connection.write(() => {
      const row = this.#lane(lane)
      seq = row.seq
      if (committed) {
        for (const receipt of committed.receipts) this.#insert(row.id, seq++, { receipt, at: committed.at })
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
      const id = accountId(this.#connection, account)
      if (id === undefined) throw new Error(`account ${account} was never enrolled`)
      const { run, at, status, code, error } = summary
      this.#connection.run(
        'UPDATE accounts SET last_run = ?, last_at = ?, last_status = ?, last_code = ?, last_error = ? WHERE id = ?',
        run,
        at,
        status,
        code ?? null,
        error ?? null,
        id,
      )
      if (!summary.failures) return
      this.#connection.run('DELETE FROM failures WHERE account = ?', id)
      for (const { key, target, code: why, error: words } of summary.failures) {
        const lane = target === undefined ? null : this.#lane({ account, target }).id
        const sql = 'INSERT INTO failures (account, lane, key, code, error) VALUES (?, ?, ?, ?, ?)'
        // libsql ends a text at a NUL; a server's words may hold one.
        this.#connection.run(sql, id, lane, keyBytes(key), why, words.replaceAll('\0', ''))
      }
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
    for (const account of accounts) states.push(await this.#connection.read(() => this.#accountStatus(account)))
    return states
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close()
  }

  #accountStatus(account: Row): AccountStatus {
    const lanes = this.#connection.all(
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

  #insert(lane: number, seq: number, { receipt, at }: { readonly receipt: Receipt; readonly at: number }): void {
    const { key, sha256, size, where, stored, flags } = receipt
    this.#connection.run(
      'INSERT INTO receipts (lane, seq, key, sha256, size, place, stored, flags, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      lane,
      seq,
      keyBytes(key),
      Buffer.from(sha256, 'hex'),
      size,
      where,
      stored === undefined ? null : Buffer.from(stored, 'hex'),
      flags.join(' '),
      at,
    )
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
    const [last] = this.#connection.all('SELECT max(seq) AS seq FROM receipts WHERE lane = ?', id)
    const row = { id, seq: Number(last?.['seq'] ?? 0) + 1 }
    this.#lanes.set(name, row)
    return row
  }
}

function nameOf({ account, target }: Lane): string {
  return `${account}\n${target}`
}

function receiptOf(row: Row): Receipt {
  const stored = row['stored'] ?? null
  return {
    key: keyText(row['key']),
    sha256: hex(row['sha256']),
    size: Number(row['size']),
    where: String(row['place']),
    flags: String(row['flags']).split(' ').filter(Boolean) as Flag[],
    ...(stored !== null && { stored: hex(stored) }),
  }
}
