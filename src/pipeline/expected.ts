import type { Emit } from '../ports/event.js'
import { Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { MessageKey } from '../ports/message.js'
import type { Source } from '../ports/source.js'
import type { LaneBook } from './lane-book.js'
import type { Roster } from './roster.js'
import type { Window } from './window.js'

/** What is wrong with a maildrop that has shown what it shows: less than expected, or it hides something. */
export async function conclusion(seen: Seen): Promise<Fault | undefined> {
  const { source, window, dryRun } = seen
  const { expectAtLeast } = source.rules
  if (!dryRun) await warnOfCap(seen)
  const { windowed } = window
  if (expectAtLeast !== undefined && !(windowed && dryRun)) {
    const few = await shortfall(expectAtLeast, { ...seen, windowed })
    if (few) return few
  }
  return blocked(seen)
}

/** Nothing of what `select` leaves out may be fetched just to see what is behind it: the server may remove it for that. */
function blocked({ window, roster }: Seen): Fault | undefined {
  const { filtered } = roster.counts()
  if (!window.stuck || filtered === 0) return undefined
  return new Fault('window-blocked', `${filtered} messages that \`select\` leaves out are all that the server shows`)
}

async function warnOfCap({ account, window, roster, emit }: Seen): Promise<void> {
  const listed = roster.size
  if (!(await window.capped({ listed, fresh: roster.copied > 0 }))) return
  const message =
    `exactly ${listed} messages were listed, as servers do that show the newest ${listed} only: what is older cannot be ` +
    'reached by POP3 unless newer ones are deleted. Compare with web mail; `expectAtLeast` makes too few an error'
  emit({ type: 'warning', account, code: 'window-fixed', message })
}

/** What is wrong where a maildrop listed fewer distinct messages than the plan expects (`expectAtLeast`). */
async function shortfall(expected: number, { roster, books, ledger, windowed }: Found): Promise<Fault | undefined> {
  const listed = roster.size
  if (listed >= expected) return undefined
  const found = windowed ? listed + (await onlyRecorded(roster, books, ledger)) : listed
  if (found >= expected) return undefined
  const where = windowed ? 'listed in this run or copied by earlier ones' : 'listed'
  return new Fault('too-few-messages', `${found} messages were ${where}, the plan expects at least ${expected}`)
}

/** Messages that earlier runs delivered anywhere and the server does not show now. */
async function onlyRecorded(roster: Roster, books: readonly LaneBook[], ledger: Ledger): Promise<number> {
  const recorded = new Set<MessageKey>()
  for (const book of books) {
    for await (const receipts of ledger.delivered(book.recorded)) {
      for (const { key } of receipts) if (roster.numberOf(key) === undefined) recorded.add(key)
    }
  }
  return recorded.size
}

interface Found {
  readonly roster: Roster
  readonly books: readonly LaneBook[]
  readonly ledger: Ledger
  /** The server shows only a part of the messages at a time. */
  readonly windowed: boolean
}

interface Seen extends Omit<Found, 'windowed'> {
  readonly account: string
  readonly source: Source
  readonly window: Window
  readonly emit: Emit
  readonly dryRun: boolean
}
