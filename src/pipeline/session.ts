import { asFault, Fault, type FaultCode } from '../ports/fault.js'
import type { Flag } from '../ports/message.js'
import type { Retrieved, Session, Source } from '../ports/source.js'
import type { Emit } from '../ports/event.js'
import type { Agenda } from './agenda.js'
import type { Budget } from './budget.js'
import type { Deletions } from './deletions.js'
import { offer, survey } from './adopting.js'
import { Delivery } from './delivery.js'
import { Feed } from './feed.js'
import type { Habits } from './habits.js'
import type { Identity } from './identity.js'
import { FetchedMessage, type MessageIntake } from './intake.js'
import type { LaneBook } from './lane-book.js'
import type { Lanes } from './lanes.js'
import { checkRoom } from './room.js'
import type { Roster } from './roster.js'
import type { Arrival, SecondFetch } from './second-fetch.js'
import type { Selection } from './selection.js'
import type { Speed } from './speed.js'

export interface SessionContext extends Habits {
  readonly account: string
  readonly source: Source
  readonly roster: Roster
  readonly books: readonly LaneBook[]
  readonly lanes: Lanes
  readonly agenda: Agenda
  readonly identity: Identity
  readonly deletions: Deletions
  readonly secondFetch: SecondFetch
  readonly selection: Selection
  readonly speed: Speed
  readonly intake: MessageIntake
  readonly budget: Budget
  readonly emit: Emit
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/**
 * One session: sign in, list, pair with the ledger, fetch what is missing and offer it to the lanes. QUIT is sent only
 * when every message fetched here is safe (CONTRACT, guarantee 1); else the connection is dropped, which commits nothing.
 */
export async function runSession(context: SessionContext): Promise<void> {
  const { window, deletions, identity, pace } = context
  await using session = await context.pace.signIn(context.signal)
  const numbers = await takeStock(session, context)
  if (context.dryRun) {
    tellWanted(context)
    await session.quit()
    return
  }
  const { fetched, safe } = await context.speed.measure(fetchMissing(session, context))
  // A message that was to be deleted may be listed under an id that is still in doubt.
  const certain = !numbers.some((number) => identity.doubts(number))
  await deletions.listed({ certain, hides: window.windowed })
  if (!safe) return
  const deleted = await deletions.mark(session, numbers, pace.spaced ? Infinity : deletionsAtOnce)
  if (!deleted) return
  const confirmed = await session.quit()
  if (!confirmed && fetched.length > 0 && window.hides) {
    const facts = { server: context.source.server, phase: 'QUIT' }
    throw new Fault('connection-lost', 'the server did not confirm the end of the session', facts)
  }
  window.ended(fetched, confirmed, deleted)
}

/** Resolves with the numbers of what the server lists. */
async function takeStock(session: Session, context: SessionContext): Promise<readonly number[]> {
  const { account, agenda, books, identity, roster, secondFetch, selection, window, emit, dryRun } = context
  const listing = await session.list()
  const first = !roster.listed
  const { numbers, grown } = agenda.list(listing.entries)
  if (grown) await identity.takeStock(numbers, { first, windowed: window.windowed })
  if (!dryRun) await session.stay(survey(numbers, context))
  const known = (number: number): boolean => books.some((book) => book.has(number))
  const old = first && (identity.expectsKnown || numbers.some(known))
  if (!dryRun) await window.listed({ numbers, grown, old, expires: session.expires })
  await selection.sift(session, agenda.wanted(), owing(context))
  const sizesCount = context.source.rules.sizes === 'auto' && !secondFetch.futile
  checkRoom(agenda.wanted(), { account, books, roster, emit, sizesCount })
  agenda.settle()
  const wanted = agenda.wanted()
  for (const arrival of secondFetch.unwanted(wanted)) await deliver(arrival, context)
  const missingBytes = wanted.reduce((sum, number) => sum + roster.entry(number).size, 0)
  const { bytes, entries } = listing
  emit({ type: 'account.listed', account, messages: entries.length, bytes, missing: wanted.length, missingBytes })
  return numbers
}

/** What has been begun already; undefined where only the bytes can tell. */
function owing({ books, roster }: SessionContext): (number: number) => boolean | undefined {
  const owed = new Set(books.flatMap(({ run }) => run?.owed ?? []))
  return (number) => {
    const key = roster.keyOf(number)
    return key === undefined && owed.size > 0 ? undefined : key !== undefined && owed.has(key)
  }
}

function tellWanted({ account, agenda, roster, emit }: SessionContext): void {
  for (const number of agenda.wanted()) {
    const { key, size } = roster.entry(number)
    emit({ type: 'message.wanted', account, key, size })
  }
}

/** `safe`: everything fetched has been delivered to each lane that lacked it, or is in quarantine for it. */
async function fetchMissing(
  session: Session,
  context: SessionContext,
): Promise<{ readonly fetched: readonly number[]; readonly octets: number; readonly safe: boolean }> {
  const { books, lanes, roster, budget, agenda, identity, secondFetch, window, signal } = context
  const wanted = secondFetch.first(agenda.wanted())
  // What is not stored must not be fetched where the server may remove it for that.
  const settled = (): ReturnType<Agenda['settled']> => (agenda.exhausted ? [] : agenda.settled(!session.expires))
  const revisits = new Set(window.revisits({ settled, wanted: wanted.length }))
  const numbers = [...wanted, ...revisits].slice(0, window.most)
  if (numbers.length > 0) await window.fetching()
  lanes.expect(numbers)
  const halted = (): boolean => window.hides && books.some((book) => !book.run)
  const feed = new Feed({
    numbers,
    budget,
    entry: (number) => roster.entry(number),
    needed: (number) => !halted() && (revisits.has(number) || books.some((book) => book.run && book.lacks(number))),
    hurry: () => {
      lanes.hurry()
    },
    wait: async (until) => lanes.wait(until),
  })
  const stop = (): void => {
    feed.stop()
  }
  signal.addEventListener('abort', stop, { once: true })
  const fetched: number[] = []
  const receiving = { feed, fetched, octets: 0, revisits }
  try {
    for await (const result of session.retrieve(feed, context.intake)) await receive(result, receiving, context)
  } catch (error) {
    const inProgress = feed.finish()
    const fault = asFault(error)
    const revisit = inProgress !== undefined && revisits.has(inProgress)
    if (inProgress !== undefined && broken.has(fault.code) && !signal.aborted) {
      if (revisit) window.cannotRevisit(inProgress)
      else agenda.brokeSession(inProgress, fault)
    }
    const { octets } = fault.facts
    if (inProgress !== undefined && octets !== undefined && !revisit) secondFetch.sawShort(inProgress, octets)
    window.broke(fetched.length)
    throw fault
  } finally {
    signal.removeEventListener('abort', stop)
    feed.finish()
    await identity.finish()
  }
  // Targets may need minutes for what they have been given (QUIRKS RET-28).
  await session.stay(lanes.flush())
  const safe = (number: number): boolean =>
    revisits.has(number) || (roster.isFiltered(number) && !session.expires) || books.every((book) => book.safe(number))
  return { fetched, octets: receiving.octets, safe: !halted() && fetched.every(safe) }
}

/** A QUIT behind so many, that a cut costs little (QUIRKS DEL-11); where sign-ins have to wait, all at once. */
const deletionsAtOnce = 200

/** How a session dies of one message; a throttled or busy server says nothing about the message in progress. */
const broken: ReadonlySet<FaultCode> = new Set(['connection-lost', 'timeout', 'protocol', 'spool-full'])

interface Receiving {
  readonly feed: Feed
  readonly fetched: number[]
  /** Of what was fetched. */
  octets: number
  /** Fetched for the server's sake only (see Window). */
  readonly revisits: ReadonlySet<number>
}

async function receive(result: Retrieved, receiving: Receiving, context: SessionContext): Promise<void> {
  const { account, agenda, books, budget, identity, roster, secondFetch, selection, emit } = context
  const { feed, fetched, revisits } = receiving
  const { number, charged } = feed.result()
  if (revisits.has(number)) {
    budget.release(charged)
    await revisited(result, number, receiving, context)
    return
  }
  if ('fault' in result) {
    budget.release(charged)
    agenda.refused(number, result.fault)
    for (const arrival of secondFetch.settle(number)) await deliver(arrival, context)
    return
  }
  const { message, flags } = result
  if (!(message instanceof FetchedMessage)) throw new TypeError('a message that did not come from the intake')
  // A listing that promised too little must not let in more than there is room for.
  const owing = Math.max(charged, budget.charge(message.size))
  budget.add(owing - charged)
  emit({ type: 'message.fetched', account, size: message.size })
  fetched.push(number)
  receiving.octets += message.size
  // Neither `select` nor the size that is listed now has a say in what was stored, or begun, under another id.
  const matters = flags.length > 0 || selection.selects
  const settled = matters && (await identity.isSettled(number, message))
  if (!settled && !selection.admits(number, message)) {
    budget.release(owing)
    roster.setFiltered(number)
    agenda.postpone(number)
    for (const arrival of [{ message }, ...secondFetch.settle(number)]) await arrival.message.remove()
    return
  }
  let charge = owing
  try {
    const own = message.as(roster.keyOf(number))
    const decided = settled || books.some(({ run }) => run?.announced(own))
    const stored = await secondFetch.judge({ number, message, flags }, decided)
    if (stored.length === 0) agenda.postpone(number)
    for (const arrival of stored) {
      const its = arrival.message === message ? charge : 0
      charge -= its
      await deliver(arrival, context, its)
    }
  } finally {
    budget.release(charge)
  }
  if (secondFetch.full) feed.stop()
}

/** Everybody has the message: its bytes are of no interest. */
async function revisited(
  result: Retrieved,
  number: number,
  receiving: Receiving,
  { window }: SessionContext,
): Promise<void> {
  if ('fault' in result) {
    window.cannotRevisit(number)
    return
  }
  receiving.fetched.push(number)
  receiving.octets += result.message.size
  if (result.message instanceof FetchedMessage) await result.message.remove()
}

type DeliverContext = Pick<SessionContext, 'account' | 'books' | 'lanes' | 'budget' | 'identity' | 'roster' | 'emit'>

/** Offers a message to the lanes that lack it, once it is known which message it is; `charged` was reserved for it. */
export async function deliver(arrival: Arrival, context: DeliverContext, charged = 0): Promise<void> {
  const { books, lanes, budget, identity, roster } = context
  const { number } = arrival
  const { message, flags } = identity.doubts(number)
    ? await identity.recognise(number, arrival.message)
    : { message: arrival.message.as(roster.keyOf(number)), flags: [] }
  const delivery = new Delivery(number, message, [...arrival.flags, ...flags], { budget, charged })
  // Held while it is offered, so that a quick lane cannot let it go before the next one has seen it.
  delivery.hold()
  for (const book of books) {
    if (!book.lacks(number)) continue
    // Mostly nothing has to be looked for first.
    if (book.adoption) await offer(book, delivery, lanes)
    else book.run?.offer(delivery)
  }
  if (books.every((book) => book.has(number))) tellRecognised(number, flags, context)
  await delivery.release()
}

/** Every lane has had the message all along. */
function tellRecognised(number: number, flags: readonly Flag[], { account, roster, emit }: DeliverContext): void {
  roster.setPresent(number)
  const { key } = roster.entry(number)
  if (flags.includes('reidentified-by-header')) {
    emit({ type: 'message.flagged', account, key, flag: 'reidentified-by-header' })
  }
}
