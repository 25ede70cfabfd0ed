import type { Emit } from '../ports/event.js'
import { asFault, Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { Flag, Message, MessageKey } from '../ports/message.js'
import type { Contents, Receipt } from '../ports/target.js'
import { offer } from './adopting.js'
import type { Budget } from './budget.js'
import { Delivery } from './delivery.js'
import { FetchedMessage, type MessageIntake } from './intake.js'
import type { LaneBook } from './lane-book.js'
import type { Lanes } from './lanes.js'
import type { Roster } from './roster.js'

export interface BackFillContext {
  readonly account: string
  readonly books: readonly LaneBook[]
  readonly lanes: Lanes
  readonly roster: Roster
  readonly ledger: Ledger
  readonly intake: MessageIntake
  readonly budget: Budget
  readonly emit: Emit
  readonly signal: AbortSignal
}

/**
 * Brings to each lane what other targets of the account have and the maildrop does not list any more, as far as a copy there
 * proves by its digest to be what the server once sent (CONTRACT, Targets). Resolves with a Fault where some cannot be had.
 */
export async function backFill(context: BackFillContext): Promise<Fault | undefined> {
  const lacking = await lackingKeys(context)
  const faults: Fault[] = []
  for (const donor of context.books.filter(({ given }) => !given)) {
    if (lacking.size > 0) await takeFrom(donor, lacking, context).catch((error: unknown) => faults.push(asFault(error)))
  }
  if (lacking.size === 0 || context.signal.aborted) return undefined
  const passing = faults.find(({ transient }) => transient)
  if (passing) return passing
  // Its lane says why the rest is missing, and the next run asks it.
  if (context.books.some(({ given }) => given)) return undefined
  const { account, emit } = context
  const targets = [...new Set([...lacking.values()].flat())].map(({ lane }) => lane.target).join(', ')
  const words = `${lacking.size} messages that other targets have are not listed by the server any more: missing in ${targets}`
  emit({ type: 'warning', account, code: 'not-at-source', message: words })
  return new Fault('not-at-source', words, { hint })
}

/** By message that the maildrop does not list: the lanes at work that lack it. */
async function lackingKeys({ books, roster, ledger }: BackFillContext): Promise<Lacking> {
  // One number for each message: there may be hundreds of thousands.
  const holders = new Map<MessageKey, number>()
  // Mostly the server lists all that anybody has: then the receipts need not be walked through once more.
  const some = books.length > 1 && books.some(({ knowsUnlisted }) => knowsUnlisted)
  for (const [index, book] of some ? books.entries() : []) {
    for await (const receipts of ledger.delivered(book.recorded)) {
      for (const { key } of receipts) {
        if (roster.numberOf(key) === undefined) holders.set(key, (holders.get(key) ?? 0) + 2 ** index)
      }
    }
  }
  const lacking: Lacking = new Map()
  // Those that the same lanes lack share a list.
  const lists = new Map<number, readonly LaneBook[]>()
  for (const [key, held] of holders) {
    const list = lists.get(held) ?? books.filter((book, index) => book.run && !(Math.floor(held / 2 ** index) % 2))
    lists.set(held, list)
    const without = list.filter((book) => !book.keeps(key))
    if (without.length > 0) lacking.set(key, without.length === list.length ? list : without)
  }
  return lacking
}

type Lacking = Map<MessageKey, readonly LaneBook[]>

async function takeFrom(donor: LaneBook, lacking: Lacking, context: BackFillContext): Promise<void> {
  const { ledger, lanes } = context
  const { target, recorded } = donor
  if (!target.contents) return
  const wanted = wantedReceipts(ledger.receipts(recorded), lacking)
  for await (const copy of target.contents(recorded, await ledger.load(recorded), wanted)) {
    await deliver(copy, lacking, context)
    if (context.signal.aborted) break
  }
  await lanes.flush()
}

async function* wantedReceipts(
  receipts: AsyncIterable<Receipt>,
  lacking: ReadonlyMap<MessageKey, unknown>,
): AsyncIterable<Receipt> {
  for await (const receipt of receipts) if (lacking.has(receipt.key)) yield receipt
}

async function deliver(
  { receipt, chunks }: Contents,
  lacking: Lacking,
  { intake, budget, lanes }: BackFillContext,
): Promise<void> {
  const { key, size, sha256, flags } = receipt
  const takers = lacking.get(key) ?? []
  const charged = budget.charge(size)
  while (!budget.tryReserve(charged)) {
    const released = budget.released()
    lanes.hurry()
    await lanes.wait(released)
  }
  let message: Message | undefined
  const incoming = intake.begin({ key, size })
  try {
    for await (const chunk of chunks) await incoming.write(Uint8Array.from(chunk))
    message = await incoming.finish()
  } finally {
    if (!message) {
      await incoming.discard()
      budget.release(charged)
    }
  }
  if (!(message instanceof FetchedMessage)) throw new TypeError('a message that did not come from the intake')
  const delivery = new Delivery(undefined, message, flags.filter(isOfSource), { budget, charged })
  // Held while it is offered; what is not proven goes to nobody.
  delivery.hold()
  if (message.sha256 === sha256) {
    const left: LaneBook[] = []
    for (const book of takers) if (book.run && !(await offer(book, delivery, lanes))) left.push(book)
    if (left.length > 0) lacking.set(key, left)
    else lacking.delete(key)
  }
  await delivery.release()
}

/** True of a message wherever it is stored; some of them forbid its deletion. */
function isOfSource(flag: Flag): boolean {
  return sourceFlags.has(flag)
}

const sourceFlags: ReadonlySet<Flag> = new Set([
  'size-mismatch',
  'unstuffed-dot',
  'wrapped-by-server',
  'reidentified-by-header',
])
const hint = 'copy them over by hand from a target that has them, or leave the target out that lacks them'
