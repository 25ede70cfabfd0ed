import type { AccountSummary, Failure, Untried } from '../ports/ledger.js'
import type { ListingRecord } from '../ports/records.js'
import type { Connection } from './connection.js'
import { keyBytes } from './keys.js'

/** Records how an account came out of a run, inside a transaction; see Ledger.finishAccount. */
export function recordOutcome(
  connection: Connection,
  account: number,
  { summary, laneOf }: { readonly summary: AccountSummary; readonly laneOf: (target: string) => number },
): void {
  const { run, at, status, code, error, failures, listing } = summary
  connection.run(
    'UPDATE accounts SET last_run = ?, last_at = ?, last_status = ?, last_code = ?, last_error = ? WHERE id = ?',
    run,
    at,
    status,
    code ?? null,
    error === undefined ? null : plain(error),
    account,
  )
  if (!failures) return
  connection.run('DELETE FROM failures WHERE account = ?', account)
  for (const failure of failures) insertFailure(connection, account, { failure, laneOf })
  connection.run('DELETE FROM untried WHERE account = ?', account)
  const outcome: ListingRecord | undefined = listing && { run, at, counts: listing.counts }
  connection.run('UPDATE accounts SET outcome = ? WHERE id = ?', outcome ? JSON.stringify(outcome) : null, account)
  if (listing) insertUntried(connection, account, listing.untried)
}

interface FailureOf {
  readonly failure: Failure
  readonly laneOf: (target: string) => number
}

function insertFailure(connection: Connection, account: number, { failure, laneOf }: FailureOf): void {
  const { key, target, code, error, listed, size, unlisted = false } = failure
  connection.run(
    'INSERT INTO failures (account, lane, key, code, error, listed, size, unlisted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    account,
    target === undefined ? null : laneOf(target),
    keyBytes(key),
    code,
    plain(error),
    listed === undefined ? null : keyBytes(listed),
    size ?? null,
    unlisted ? 1 : 0,
  )
}

/** One row for a thousand messages: there may be hundreds of thousands, and a run that is stopped has ten seconds. */
function insertUntried(connection: Connection, account: number, messages: Iterable<Untried>): void {
  const pages = { pending: [] as UntriedMessage[], vanished: [] as UntriedMessage[] }
  let number = 0
  const write = (state: Untried['state']): void => {
    const text = JSON.stringify(pages[state].splice(0))
    const sql = 'INSERT INTO untried (account, page, state, messages) VALUES (?, ?, ?, ?)'
    connection.run(sql, account, number++, state, text)
  }
  for (const { state, key, own, size } of messages) {
    pages[state].push(own === undefined ? [key, size] : [key, size, own])
    if (pages[state].length === pageSize) write(state)
  }
  for (const state of ['pending', 'vanished'] as const) if (pages[state].length > 0) write(state)
}

const pageSize = 1000

/** As listed, its octets, and the ledger's own key where that differs. */
export type UntriedMessage = readonly [string, number, string?]

/** libsql ends a text at a NUL; a server's words may hold one. */
function plain(text: string): string {
  return text.replaceAll('\0', '')
}
