import type { Emit } from '../ports/event.js'
import { asFault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import { type MessageKey, uidlOf } from '../ports/message.js'
import type { AccountJob } from './account-job.js'
import { Adoption, type Sought } from './adoption.js'
import type { Delivery } from './delivery.js'
import type { LaneBook } from './lane-book.js'
import type { Lanes } from './lanes.js'
import type { Roster } from './roster.js'

interface AdoptingAccount {
  readonly account: string
  readonly books: readonly LaneBook[]
  readonly ledger: Ledger
}

/** Where it is asked for, or a run has begun it and not come to its end: durable before a lane opens. */
export async function beginAdoption(job: AdoptingAccount & Beginning): Promise<void> {
  const { account, books, adopt, ledger, signal, deleteAfter, source } = job
  const { adopting } = await ledger.recall(account)
  if (!adopt && !adopting) return
  if (!adopting) await ledger.remember(account, { adopting: true })
  // A message that is to be deleted at the source is compared with its copy first.
  const byName = deleteAfter === undefined && source.rules.sizes === 'auto'
  for (const book of books) book.adopt(new Adoption(book.lane, book.target, { ledger, signal, byName }))
}

interface Beginning extends Pick<AccountJob, 'deleteAfter' | 'source'> {
  /** `--adopt` */
  readonly adopt?: boolean | undefined
  readonly signal: AbortSignal
}

/** Before anything of this listing is fetched. */
export async function survey(numbers: readonly number[], { books, roster }: Listed): Promise<void> {
  for (const book of books) await surveyFor(book, () => soughtBy(book, numbers, roster))
}

/** False where the lane cannot take the message now; one that stands at the target already is not stored again. */
export async function offer(book: LaneBook, delivery: Delivery, lanes: Lanes): Promise<boolean> {
  const { run, adoption } = book
  if (!run) return false
  if (adoption && run.owed.length === 0) {
    // Now that everything is offered that a dead run had begun.
    if (!adoption.surveyed) await lanes.wait(surveyFor(book, () => new Map()))
    if (!adoption.surveyed) return false
    const found = await adoption.find(delivery.message)
    if (found) delivery.adopt(book.lane.target, found)
  }
  return run.offer(delivery)
}

/** Once. What a dead run has begun is offered first. A lane whose target cannot be looked through takes nothing. */
async function surveyFor(book: LaneBook, sought: () => Sought): Promise<void> {
  const { run, adoption } = book
  if (!run || !adoption || adoption.surveyed || run.owed.length > 0) return
  try {
    await adoption.survey(run, sought(), (keys) => {
      book.enter(keys)
    })
  } catch (error) {
    await book.close()
    book.stopped(asFault(error))
  }
}

interface Listed {
  readonly books: readonly LaneBook[]
  readonly roster: Roster
}

/** Ids of which there are several may have changed places since. */
function soughtBy(book: LaneBook, numbers: readonly number[], roster: Roster): Sought {
  const sought = new Map<MessageKey, number>()
  const shared = new Set<string>()
  for (const number of numbers) {
    const key = roster.keyOf(number)
    if (key?.includes('\n')) shared.add(uidlOf(key))
    else if (key !== undefined && !book.safe(number)) sought.set(key, roster.entry(number).size)
  }
  for (const uidl of shared) sought.delete(uidl as MessageKey)
  return sought
}

/** Once everything that the maildrop lists is settled; until then, any run goes on with it. */
export async function endAdoption({ account, books, ledger, roster }: AdoptingAccount & Listed): Promise<void> {
  const { failed, pending } = roster.counts()
  if (failed + pending > 0 || !books.every(({ alive, adoption }) => alive && adoption?.surveyed)) return
  await ledger.remember(account, { adopting: false })
}

export function tellAdopted(books: readonly LaneBook[], emit: Emit): void {
  for (const { lane, adoption } of books) {
    if (adoption?.surveyed) {
      emit({ type: 'target.adopted', ...lane, messages: adoption.entered, others: adoption.left })
    }
  }
}
