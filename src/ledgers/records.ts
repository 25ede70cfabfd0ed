import type { Flag, MessageKey } from '../ports/message.js'
import {
  type AccountRecord,
  type CopiesRecord,
  type LaneRecord,
  type ListingRecord,
  type Reason,
  type Records,
  RecordsChanged,
  type RunRecord,
  type UncopiedRecord,
} from '../ports/records.js'
import type { Connection } from './connection.js'
import type { Row, Value } from './driver.js'
import { hex, keyText } from './keys.js'
import type { UntriedMessage } from './outcome.js'

export class SqliteRecords implements Records {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async runs(): Promise<{ readonly count: number; readonly last: RunRecord } | undefined> {
    return this.#connection.read(() => {
      const [last] = this.#connection.all('SELECT * FROM runs ORDER BY started_at DESC, rowid DESC LIMIT 1')
      const [sum] = this.#connection.all('SELECT count(*) AS count FROM runs')
      return last && { count: Number(sum?.['count']), last: runOf(last) }
    })
  }

  async account(name: string): Promise<AccountRecord | undefined> {
    return this.#connection.read(() => {
      const [row] = this.#connection.all('SELECT * FROM accounts WHERE name = ?', name)
      return row && accountOf(row, this.#lanes(row['id'] ?? null))
    })
  }

  async *copies({ account, lanes }: AccountRecord): AsyncIterable<readonly CopiesRecord[]> {
    for (const { target } of lanes) {
      for (let after = 0; ;) {
        const from = after
        const rows = await this.#connection.read(() => this.#connection.all(copiesSql, account, target, from))
        if (rows.length === 0) break
        after = Math.max(...rows.map((row) => Number(row['seq'])))
        yield rows.map((row) => copiesOf(target, row))
      }
    }
  }

  async *uncopied(account: AccountRecord, targets: readonly string[]): AsyncIterable<readonly UncopiedRecord[]> {
    const asked = JSON.stringify(targets)
    let after: Uint8Array | undefined
    for (;;) {
      const from = after
      const rows = await this.#readOf(account, (id) =>
        this.#connection.all(failuresSql(from === undefined), asked, id, from ?? Buffer.alloc(0)),
      )
      const last = rows.at(-1)
      if (!last) break
      after = Buffer.from(last['key'] as Uint8Array)
      yield rows.map(failedOf)
    }
    for (let page = -1; ;) {
      const previous = page
      const untried = await this.#readOf(account, (id) => this.#untriedAfter(id, previous, asked))
      if (!untried) return
      page = untried.page
      yield untried.messages
    }
  }

  /** In one transaction with the proof that nothing was recorded since. */
  async #readOf<T>(account: AccountRecord, work: (id: Value) => T): Promise<T> {
    return this.#connection.read(() => {
      const [row] = this.#connection.all('SELECT * FROM accounts WHERE name = ?', account.account)
      if (!row) throw new RecordsChanged()
      const { last } = accountOf(row, [])
      if (last?.run !== account.last?.run || last?.at !== account.last?.at) throw new RecordsChanged()
      return work(row['id'] ?? null)
    })
  }

  #untriedAfter(
    account: Value,
    after: number,
    asked: string,
  ): { readonly page: number; readonly messages: readonly UncopiedRecord[] } | undefined {
    const sql = 'SELECT page, state, messages FROM untried WHERE account = ? AND page > ? ORDER BY page LIMIT 1'
    const [row] = this.#connection.all(sql, account, after)
    if (!row) return undefined
    const state = row['state'] === 'vanished' ? 'vanished' : 'pending'
    const messages = JSON.parse(String(row['messages'])) as readonly UntriedMessage[]
    const keys = messages.map(([key, , own = key]) => Buffer.from(own, 'latin1').toString('hex'))
    const lacking = this.#connection.all(lackingSql, account, asked, JSON.stringify(keys))
    return {
      page: Number(row['page']),
      messages: messages.map(([key, size], index) => {
        const arrived = Number(lacking[index]?.['lacking']) === 0
        return { key: key as MessageKey, state, size, arrived, reasons: [] }
      }),
    }
  }

  #lanes(account: Value): readonly LaneRecord[] {
    const sql = `SELECT id, target, place, (SELECT count(*) FROM lost WHERE lane = lanes.id) AS lost
      FROM lanes WHERE account = ? ORDER BY id`
    return this.#connection.all(sql, account).map((lane) => ({
      target: String(lane['target']),
      place: String(lane['place']),
      lost: Number(lane['lost']),
      volumes: this.#connection
        .all('SELECT * FROM volumes WHERE lane = ? ORDER BY at, path', lane['id'] ?? null)
        .map((row) => ({
          path: String(row['path']),
          sha256: hex(row['sha256']),
          messages: Number(row['messages']),
          bytes: Number(row['bytes']),
          at: Number(row['at']),
        })),
    }))
  }
}

/** As many receipts at once as nobody minds waiting for (some 20 ms), summed up by SQLite: it hands out each row slowly. */
const copiesSql = `SELECT max(seq) AS seq, at, year, flags, again, count(*) AS messages, sum(size) AS bytes FROM (
      SELECT seq, at, flags, size, CAST(strftime('%Y', dated, 'unixepoch') AS INTEGER) AS year, EXISTS (
          SELECT 1 FROM lanes earlier JOIN receipts other ON other.lane = earlier.id AND other.key = receipts.key
            WHERE earlier.account = lanes.account AND earlier.id < lanes.id) AS again
        FROM accounts JOIN lanes ON lanes.account = accounts.id JOIN receipts ON receipts.lane = lanes.id
        WHERE name = ? AND target = ? AND seq > ? ORDER BY seq LIMIT 5000)
    GROUP BY at, year, flags, again ORDER BY 1`

/** For each of the keys, in their order (hexadecimal, as JSON): how many of the targets have no receipt for it. */
const lackingSql = `WITH asked AS (SELECT id FROM lanes WHERE account = ? AND target IN (SELECT value FROM json_each(?)))
    SELECT (SELECT count(*) FROM asked WHERE NOT EXISTS (
        SELECT 1 FROM receipts WHERE receipts.lane = asked.id AND receipts.key = unhex(messages.value))) AS lacking
      FROM json_each(?) messages ORDER BY messages.key`

/** One row for each message, by key. */
function failuresSql(fromStart: boolean): string {
  return `SELECT f.key AS key, max(f.listed) AS listed, max(coalesce(f.size, q.size, x.size)) AS size,
      min(f.unlisted) AS unlisted, max(q.sha256) AS sha256,
      json_group_array(json_object('target', own.target, 'code', f.code, 'error', f.error)) AS reasons,
      (SELECT count(*) FROM lanes WHERE account = f.account AND target IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.lane = lanes.id AND r.key = f.key)) AS lacking
    FROM failures f LEFT JOIN lanes own ON own.id = f.lane
      LEFT JOIN quarantine q ON q.lane = f.lane AND q.key = f.key
      LEFT JOIN lost x ON x.lane = f.lane AND x.key = f.key
    WHERE f.account = ? AND f.key ${fromStart ? '>=' : '>'} ? GROUP BY f.key ORDER BY f.key LIMIT 1000`
}

function runOf(row: Row): RunRecord {
  return {
    run: String(row['run']),
    startedAt: Number(row['started_at']),
    ...(row['finished_at'] !== null && { finishedAt: Number(row['finished_at']) }),
    ...(row['exit_code'] !== null && { exitCode: Number(row['exit_code']) }),
  }
}

function accountOf(row: Row, lanes: readonly LaneRecord[]): AccountRecord {
  const text = (name: string): string | undefined => (row[name] === null ? undefined : String(row[name]))
  const [run, code, error, outcome] = [text('last_run'), text('last_code'), text('last_error'), text('outcome')]
  return {
    account: String(row['name']),
    origin: String(row['origin']),
    host: String(row['host']),
    user: String(row['user']),
    ...(run !== undefined && {
      last: {
        run,
        at: Number(row['last_at']),
        status: String(row['last_status']),
        ...(code !== undefined && { code }),
        ...(error !== undefined && { error }),
      },
    }),
    ...(outcome !== undefined && { outcome: JSON.parse(outcome) as ListingRecord }),
    lanes,
  }
}

function copiesOf(target: string, row: Row): CopiesRecord {
  const year = row['year'] ?? null
  const flags = String(row['flags'])
  return {
    target,
    at: Number(row['at']),
    ...(year !== null && { year: Number(year) }),
    flags: flags === '' ? [] : (flags.split(' ') as Flag[]),
    first: Number(row['again']) === 0,
    messages: Number(row['messages']),
    bytes: Number(row['bytes']),
  }
}

function failedOf(row: Row): UncopiedRecord {
  const reasons = JSON.parse(String(row['reasons'])) as readonly (Omit<Reason, 'target'> & {
    readonly target: string | null
  })[]
  const key = keyText(row['key'])
  const sha256 = row['sha256'] ?? null
  return {
    key: row['listed'] === null ? key : keyText(row['listed']),
    state: Number(row['unlisted']) === 1 ? 'unlisted' : 'failed',
    ...(row['size'] !== null && { size: Number(row['size']) }),
    arrived: Number(row['lacking']) === 0,
    reasons: reasons.map(({ target, ...why }) => ({ ...why, ...(target !== null && { target }) })),
    ...(sha256 !== null && { kept: { key, sha256: hex(sha256) } }),
  }
}
