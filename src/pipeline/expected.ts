import { Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { MessageKey } from '../ports/message.js'
import type { LaneBook } from './lane-book.js'
import type { Roster } from './roster.js'

/** What is wrong where a maildrop listed fewer distinct messages than the plan expects (`expectAtLeast`). */
export async function shortfall(
  expected: number,
  { roster, books, ledger, windowed }: Found,
): Promise<Fault | undefined> {
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
    for await (const keys of ledger.delivered(book.recorded)) {
      for (const key of keys) if (roster.numberOf(key) === undefined) recorded.add(key)
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
