import type { AccountMemory, Enrolment, KnownAccount, KnownLane } from '../ports/ledger.js'
import type { Connection } from './connection.js'

/** Every account and lane that was ever enrolled; see Ledger.known. */
export function knownAccounts(connection: Connection): readonly KnownAccount[] {
  const lanes = new Map<unknown, KnownLane[]>()
  for (const lane of connection.all('SELECT account, target, place, messages FROM lanes ORDER BY id')) {
    const siblings = lanes.get(lane['account']) ?? []
    lanes.set(lane['account'], siblings)
    siblings.push({ target: String(lane['target']), place: String(lane['place']), receipts: Number(lane['messages']) })
  }
  return connection.all('SELECT id, name, host, user FROM accounts ORDER BY id').map((account) => ({
    account: String(account['name']),
    host: String(account['host']),
    user: String(account['user']),
    lanes: lanes.get(account['id']) ?? [],
  }))
}

/** Carries out enrolments, inside a transaction; see Ledger.enrol. */
export function enrolAll(connection: Connection, enrolments: readonly Enrolment[]): void {
  // Names may be swapped among each other: the old ones are set aside before the new ones are given.
  const accounts = enrolments.map((enrolment) => ({ enrolment, id: setAside(connection, enrolment) }))
  for (const { enrolment, id } of accounts) enrolOne(connection, enrolment, id)
}

export function accountId(connection: Connection, name: string): number | undefined {
  const [row] = connection.all('SELECT id FROM accounts WHERE name = ?', name)
  return row && Number(row['id'])
}

/** Frees the names that an enrolment changes; returns the account's id if it is known. */
function setAside(connection: Connection, { account, was, lanes }: Enrolment): number | undefined {
  const id = accountId(connection, was ?? account)
  if (id === undefined) return undefined
  if (was !== undefined) connection.run("UPDATE accounts SET name = '~' || id || name WHERE id = ?", id)
  for (const lane of lanes) {
    if (lane.was === undefined) continue
    connection.run('UPDATE lanes SET target = ? WHERE account = ? AND target = ?', aside(lane.was), id, lane.was)
  }
  return id
}

/** A name that no plan can have. */
function aside(target: string): string {
  return `\n${target}`
}

/** The account's name, unless it is the origin of an account that was renamed since: names of files are made from it. */
function freeOrigin(connection: Connection, account: string): string {
  let origin = account
  for (let count = 2; connection.all('SELECT 1 FROM accounts WHERE origin = ?', origin).length > 0; count++) {
    origin = `${account}\n${count}`
  }
  return origin
}

/** What was learnt about the server is forgotten; what was copied from it must not be deleted at the new one by its id. */
function forgetServer(connection: Connection, account: number): void {
  const [row] = connection.all('SELECT memory FROM accounts WHERE id = ?', account)
  const { sizesWrong, adopting } = JSON.parse(String(row?.['memory'] ?? '{}')) as Partial<AccountMemory>
  const latest = 'SELECT max(at) AS at FROM receipts JOIN lanes ON lanes.id = lane WHERE account = ?'
  const movedAt = connection.all(latest, account)[0]?.['at'] ?? null
  const kept: Partial<AccountMemory> = {
    ...(sizesWrong && { sizesWrong }),
    // That is about the targets.
    ...(adopting && { adopting }),
    ...(movedAt !== null && { movedAt: Number(movedAt) }),
  }
  connection.run('UPDATE accounts SET memory = ? WHERE id = ?', JSON.stringify(kept), account)
  connection.run("UPDATE deletions SET state = 'kept' WHERE account = ? AND state = 'open'", account)
}

function enrolOne(connection: Connection, { account, host, user, lanes }: Enrolment, known: number | undefined): void {
  if (known === undefined) {
    const sql = 'INSERT INTO accounts (name, origin, host, user) VALUES (?, ?, ?, ?)'
    connection.run(sql, account, freeOrigin(connection, account), host, user)
  } else {
    // Another server, or another view of the same one, has habits of its own.
    const moved = 'SELECT 1 FROM accounts WHERE id = ? AND (host <> ? OR user <> ?)'
    if (connection.all(moved, known, host, user).length > 0) forgetServer(connection, known)
    connection.run('UPDATE accounts SET name = ?, host = ?, user = ? WHERE id = ?', account, host, user, known)
  }
  const id = known ?? accountId(connection, account) ?? 0
  for (const { target, was, place } of lanes) {
    if (was !== undefined) {
      // A lane that the plan no longer has gives up its name.
      connection.run("UPDATE lanes SET target = target || '~' || id WHERE account = ? AND target = ?", id, target)
      connection.run('UPDATE lanes SET target = ? WHERE account = ? AND target = ?', target, id, aside(was))
    }
    connection.run(
      `INSERT INTO lanes (account, target, place) VALUES (?, ?, ?)
        ON CONFLICT (account, target) DO UPDATE SET place = excluded.place`,
      id,
      target,
      place,
    )
  }
}
