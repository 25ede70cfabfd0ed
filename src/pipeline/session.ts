import { asFault, type FaultCode } from '../ports/fault.js'
import type { Retrieved, Session, Source } from '../ports/source.js'
import type { Emit } from '../ports/event.js'
import type { Agenda } from './agenda.js'
import type { Budget } from './budget.js'
import { Delivery } from './delivery.js'
import { Feed } from './feed.js'
import type { Identity } from './identity.js'
import { FetchedMessage, type MessageIntake } from './intake.js'
import type { LaneBook } from './lane-book.js'
import type { Roster } from './roster.js'
import type { Arrival, SecondFetch } from './second-fetch.js'

export interface SessionContext {
  readonly account: string
  readonly source: Source
  readonly roster: Roster
  readonly books: readonly LaneBook[]
  readonly agenda: Agenda
  readonly secondFetch: SecondFetch
  readonly identity: Identity
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
  await using session = await context.source.connect(context.signal)
  await takeStock(session, context)
  if (context.dryRun) {
    tellWanted(context)
    await session.quit()
    return
  }
  const safe = await fetchMissing(session, context)
  if (safe) await session.quit()
}

async function takeStock(session: Session, context: SessionContext): Promise<void> {
  const { account, agenda, roster, secondFetch, emit } = context
  const listing = await session.list()
  await agenda.list(listing.entries)
  agenda.settle()
  const wanted = agenda.wanted()
  for (const arrival of secondFetch.unwanted(wanted)) await deliver(arrival, context)
  const missingBytes = wanted.reduce((sum, number) => sum + roster.entry(number).size, 0)
  const { bytes, entries } = listing
  emit({ type: 'account.listed', account, messages: entries.length, bytes, missing: wanted.length, missingBytes })
}

function tellWanted({ account, agenda, roster, emit }: SessionContext): void {
  for (const number of agenda.wanted()) {
    const { key, size } = roster.entry(number)
    emit({ type: 'message.wanted', account, key, size })
  }
}

/** Resolves true when everything fetched has been delivered to each lane that lacked it. */
async function fetchMissing(session: Session, context: SessionContext): Promise<boolean> {
  const { books, roster, budget, agenda, identity, secondFetch, signal } = context
  const feed = new Feed({
    numbers: secondFetch.first(agenda.wanted()),
    budget,
    entry: (number) => roster.entry(number),
    needed: (number) => books.some((book) => book.run && book.lacks(number)),
    hurry: () => {
      for (const { run } of books) run?.hurry()
    },
  })
  const stop = (): void => {
    feed.stop()
  }
  signal.addEventListener('abort', stop, { once: true })
  const fetched: number[] = []
  try {
    for await (const result of session.retrieve(feed, context.intake)) await receive(result, feed, fetched, context)
  } catch (error) {
    const inProgress = feed.finish()
    const fault = asFault(error)
    if (inProgress !== undefined && broken.has(fault.code) && !signal.aborted) agenda.brokeSession(inProgress, fault)
    const { octets } = fault.facts
    if (inProgress !== undefined && octets !== undefined) secondFetch.sawShort(inProgress, octets)
    throw fault
  } finally {
    signal.removeEventListener('abort', stop)
    feed.finish()
    await identity.finish()
  }
  await Promise.all(books.map(async ({ run }) => run?.flush()))
  return fetched.every((number) => books.every((book) => book.has(number)))
}

/** How a session dies of one message; a throttled or busy server says nothing about the message in progress. */
const broken: ReadonlySet<FaultCode> = new Set(['connection-lost', 'timeout', 'protocol', 'spool-full'])

async function receive(result: Retrieved, feed: Feed, fetched: number[], context: SessionContext): Promise<void> {
  const { account, agenda, books, budget, secondFetch, emit, roster } = context
  const { number, charged } = feed.result()
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
  let charge = owing
  try {
    const decided = books.some(({ run }) => run?.announced(message.as(roster.keyOf(number))))
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

/** Offers a message to the lanes that lack it, once it is known which message it is; `charged` was reserved for it. */
export async function deliver(arrival: Arrival, context: SessionContext, charged = 0): Promise<void> {
  const { books, budget, identity, roster } = context
  const { number } = arrival
  const { message, flags } = identity.doubts(number)
    ? await identity.recognise(number, arrival.message)
    : { message: arrival.message.as(roster.keyOf(number)), flags: [] }
  const delivery = new Delivery(number, message, [...arrival.flags, ...flags], { budget, charged })
  // Held while it is offered, so that a quick lane cannot let it go before the next one has seen it.
  delivery.hold()
  for (const book of books) if (book.lacks(number)) book.run?.offer(delivery)
  if (books.every((book) => book.has(number))) tellRecognised(delivery, context)
  await delivery.release()
}

/** Every lane has had the message all along. */
function tellRecognised({ number, flags }: Delivery, { account, roster, emit }: SessionContext): void {
  roster.setPresent(number)
  const { key } = roster.entry(number)
  if (flags.includes('reidentified-by-header')) {
    emit({ type: 'message.flagged', account, key, flag: 'reidentified-by-header' })
  }
}
