import type { Emit } from '../ports/event.js'
import { Fault } from '../ports/fault.js'
import { bytesText, countText, numberText } from '../ports/figures.js'
import type { Room } from '../ports/target.js'
import type { LaneBook } from './lane-book.js'
import type { Roster } from './roster.js'

export interface RoomContext {
  readonly account: string
  readonly books: readonly LaneBook[]
  readonly roster: Roster
  readonly emit: Emit
  /** The sizes that the server lists mean something. */
  readonly sizesCount: boolean
}

/**
 * Before anything is fetched: what a target says that it will not take. A message that is too large for each target that
 * lacks it is not downloaded; a target without any room is stopped; one with too little is warned about, as its server
 * decides. Sizes are those that the source lists, which servers also get wrong (QUIRKS LST-14, APP-03).
 */
export function checkRoom(wanted: readonly number[], context: RoomContext): void {
  for (const book of context.books) {
    const lacking = book.run?.room ? wanted.filter((number) => book.lacks(number)) : []
    if (book.run?.room && lacking.length > 0) checkQuota(book, lacking, { ...context, room: book.run.room })
  }
  if (context.sizesCount) refuseLarge(wanted, context)
}

interface QuotaContext extends RoomContext {
  readonly room: Room
}

function checkQuota(
  book: LaneBook,
  lacking: readonly number[],
  { account, room, roster, emit, sizesCount }: QuotaContext,
): void {
  const { octets = Infinity, messages = Infinity, server } = room
  // What stands there already needs no room, and how much of it does nobody knows.
  if (book.adoption?.mayFind) return
  const full = (octets <= 0 || messages <= 0) && book.run?.owed.length === 0
  if (full) {
    const facts = { server, phase: 'GETQUOTAROOT' }
    book.leaveBehind(
      new Fault('over-quota', `the mailbox is full, ${countText(lacking.length, 'message')} wait for it`, facts),
    )
    return
  }
  const size = sizesCount ? lacking.reduce((sum, number) => sum + roster.entry(number).size, 0) : 0
  if (size <= octets && lacking.length <= messages) return
  if (book.warnedOfRoom) return
  book.warnedOfRoom = true
  const left = [
    ...(size > octets ? [bytesText(octets)] : []),
    ...(lacking.length > messages ? [countText(messages, 'message')] : []),
  ]
  const waits = `${countText(lacking.length, 'message')} (${bytesText(size)}) wait for it`
  const { target } = book.lane
  const message = `target ${target}: the quota leaves room for ${left.join(' and ')}, and ${waits}: raise it, or not all will fit`
  emit({ type: 'warning', account, code: 'quota-short', message })
}

/** Where another lane takes it, it is fetched all the same, and the quarantine keeps it for this one. */
function refuseLarge(wanted: readonly number[], { books, roster }: RoomContext): void {
  for (const number of wanted) {
    const { size } = roster.entry(number)
    const takers = books.filter((book) => book.run && book.lacks(number))
    if (takers.length === 0 || !takers.every((book) => size > mostListed(book))) continue
    for (const book of takers) {
      const { largest = 0, server } = book.run?.room ?? {}
      const words = `the server takes at most ${numberText(largest)} octets, and the source lists ${numberText(size)}: not downloaded`
      book.refuse(number, new Fault('too-big', words, { ...(server !== undefined && { server }), hint }))
    }
  }
}

/** Line ends that are counted otherwise must not keep out what fits; what may stand there already has to be fetched to be found. */
function mostListed({ run, adoption }: LaneBook): number {
  const largest = run?.room?.largest
  return largest === undefined || adoption?.mayFind ? Infinity : largest * 1.05
}

const hint = 'raise the limit there, or copy into another target; the next run looks again'
