import type { Clock } from '../ports/clock.js'
import type { Requested } from '../ports/deletion-book.js'
import type { Emit } from '../ports/event.js'
import { asFault, Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import { countText } from '../ports/figures.js'
import { type MessageKey, uidlOf } from '../ports/message.js'
import type { Session, SourceRules } from '../ports/source.js'
import type { LaneBook } from './lane-book.js'
import type { Roster } from './roster.js'

export interface DeletionContext {
  readonly account: string
  readonly ledger: Ledger
  readonly roster: Roster
  readonly books: readonly LaneBook[]
  readonly clock: Clock
  readonly emit: Emit
  readonly signal: AbortSignal
  /** Ms from the copy to the deletion; undefined: nothing is deleted. */
  readonly deleteAfter: number | undefined
  readonly rules: SourceRules
  /** The sizes that the server lists mean nothing: a message that was cut short cannot be told from a whole one. */
  sizesWrong(): boolean
}

/**
 * The rule `afterCopy` (CONTRACT, guarantee 1): a message is deleted at the source when its stored copy was read back and
 * found whole at every target, once, after its commit; never in doubt, never after an interrupt. DELE only asks: what counts is
 * a later listing that lacks the message (QUIRKS DEL-01, DEL-03, DEL-04).
 */
export class Deletions {
  readonly #context: DeletionContext
  /** Requested and not gone, as far as is known. */
  readonly #open = new Map<MessageKey, Requested>()
  /** Asked for in this run, by number: once, for in a later session the id may stand for another message. */
  readonly #tried = new Set<number>()
  /** By number. */
  readonly #refused = new Map<number, Fault>()
  /** Copies that were not found as they were stored, by target. */
  readonly #doubted = new Map<string, MessageKey[]>()
  /** Why copies could not be read back, by target. */
  readonly #faults = new Map<string, Fault>()
  #loaded = false
  /** An earlier run found out. */
  #sizesWrong = false
  /** What was copied until then came from another server. */
  #movedAt = -1
  #confirmed = 0
  /** The messages of the last session's listing, and those of them that may be deleted and were not chosen yet. */
  #numbers: readonly number[] = []
  #candidates: number[] = []
  /** No listing was seen since the last messages were marked. */
  #unseen = false
  #staged = false

  constructor(context: DeletionContext) {
    this.#context = context
  }

  /** Messages that a listing of this run lacks for the first time since they were deleted. */
  get confirmed(): number {
    return this.#confirmed
  }

  /** Why something that should have been deleted was not. */
  get faults(): readonly Fault[] {
    const { roster } = this.#context
    const doubts = [...this.#doubted].map(([target, keys]) => {
      const which = keys.slice(0, 1).map((key) => `the first with the id ${uidlOf(key)}`)
      const words = `target ${target} does not have ${countText(keys.length, 'message')} as stored, ${which.join('')}`
      return new Fault('copy-unproven', `${words}: not deleted at the source`)
    })
    const refused = [...this.#refused].filter(([number]) => roster.isListed(number)).map(([, fault]) => fault)
    const more = refused.length > 1 ? ` (and ${countText(refused.length - 1, 'other message')})` : ''
    const refusals = refused.slice(0, 1).map(({ code, message, facts }) => new Fault(code, message + more, facts))
    return [...this.#faults.values(), ...doubts, ...refusals]
  }

  /** Another session has something to delete, or to confirm. */
  get due(): boolean {
    return this.#active && (this.#candidates.length > 0 || this.#unseen)
  }

  /** Some copies are not at their final place yet, where they could be proven. */
  get staged(): boolean {
    return this.#active && this.#staged
  }

  /**
   * Takes in a complete listing, once its messages were fetched; `certain`: of each it is known which one it is; `hides`: what
   * it lacks may be there all the same.
   */
  async listed({ certain, hides }: { readonly certain: boolean; readonly hides: boolean }): Promise<void> {
    const { account, ledger, roster } = this.#context
    await this.#load()
    this.#unseen = false
    const gone: MessageKey[] = []
    const kept: MessageKey[] = []
    for (const request of this.#open.values()) {
      if (!stays(roster, request)) {
        if (certain) gone.push(request.key)
      } else if (request.state === 'open') {
        kept.push(request.key)
        this.#open.set(request.key, { ...request, state: 'kept' })
      }
    }
    if (kept.length > 0) await ledger.deletions.settle(account, kept, 'kept')
    if (gone.length === 0) return
    await ledger.deletions.settle(account, gone, 'gone')
    for (const key of gone) this.#open.delete(key)
    if (!hides) this.#confirmed += gone.length
  }

  /**
   * Before the session's QUIT: marks what may be deleted of its listing, at most so many messages. Resolves with those that
   * the QUIT will delete; undefined where the session must end without one.
   */
  async mark(session: Session, numbers: readonly number[], most: number): Promise<ReadonlySet<number> | undefined> {
    const { roster } = this.#context
    this.#numbers = numbers
    // Nothing is deleted while a target is out of reach, though it had everything.
    if (!this.#context.books.every(({ run }) => run)) return new Set()
    await session.stay(this.look())
    const chosen = this.#candidates.splice(0, most)
    // Some old servers delete also where the connection just ends (QUIRKS DEL-09).
    if (chosen.length === 0 || this.#interrupted()) return new Set()
    const byKey = new Map(chosen.map((number) => [roster.entry(number).key, number]))
    const marked = new Set<number>()
    try {
      for await (const { entry, fault } of session.delete(chosen.map((number) => roster.entry(number)))) {
        const number = byKey.get(entry.key) ?? -1
        this.#tried.add(number)
        if (fault) this.#refused.set(number, fault)
        else marked.add(number)
        if (this.#interrupted()) return undefined
      }
    } catch (error) {
      // Without a QUIT most servers delete nothing: the next session may ask again.
      for (const number of chosen) this.#tried.delete(number)
      throw error
    } finally {
      await this.#request(marked)
    }
    return this.#interrupted() ? undefined : marked
  }

  /** Before the QUIT, or the end without one: an id that was marked may soon be that of another message. */
  async #request(marked: ReadonlySet<number>): Promise<void> {
    const { ledger, roster, account, clock } = this.#context
    if (marked.size === 0) return
    const messages = [...marked].map((number) => {
      const { key: listed } = roster.entry(number)
      return { key: roster.keyOf(number) ?? listed, listed }
    })
    await ledger.deletions.request(account, messages, clock.now())
    for (const message of messages) this.#open.set(message.key, { ...message, state: 'open' })
    this.#unseen = true
  }

  /** Reads back what was not read back so far, and finds out what may be deleted of the last listing. */
  async look(): Promise<void> {
    await this.#load()
    this.#candidates = []
    this.#staged = false
    if (!this.#active) return
    for (const book of this.#context.books) {
      try {
        await this.#prove(book)
        this.#faults.delete(book.lane.target)
      } catch (error) {
        this.#faults.set(book.lane.target, asFault(error))
      }
    }
    // A target that cannot be read may have lost what it had.
    if (this.#faults.size === 0) this.#candidates = [...(await this.#deletable())]
  }

  /** Warns of what the server goes on listing although it agreed to delete it. */
  tell(): void {
    const { account, roster, emit } = this.#context
    if (this.#unseen) return
    const kept = [...this.#tried].filter((number) => roster.isListed(number) && !this.#refused.has(number))
    const [first] = kept
    if (first === undefined) return
    const message =
      `the server agreed to delete ${countText(kept.length, 'message')} and still lists ${kept.length === 1 ? 'it' : 'them'}, ` +
      `the first with the id ${uidlOf(roster.entry(first).key)}: safe in every target, and the next run asks again`
    emit({ type: 'warning', account, code: 'delete-ignored', message })
  }

  #interrupted(): boolean {
    return this.#context.signal.aborted
  }

  get #active(): boolean {
    const { deleteAfter, rules } = this.#context
    const doubtful = rules.sizes === 'auto' && (this.#sizesWrong || this.#context.sizesWrong())
    return deleteAfter !== undefined && !this.#interrupted() && !doubtful
  }

  async #load(): Promise<void> {
    if (this.#loaded) return
    const { ledger, account } = this.#context
    const { sizesWrong = false, movedAt = -1 } = await ledger.recall(account)
    this.#sizesWrong = sizesWrong
    this.#movedAt = movedAt
    this.#loaded = true
    for await (const page of ledger.deletions.requested(account)) {
      for (const request of page) if (request.state !== 'gone') this.#open.set(request.key, request)
    }
  }

  /** Once is enough: what a mail reader does later does not matter. What is only staged waits until it is at its place. */
  async #prove(book: LaneBook): Promise<void> {
    const { ledger } = this.#context
    const { recorded } = book
    let proven: MessageKey[] = []
    let doubted: MessageKey[] = []
    const record = async (): Promise<void> => {
      if (proven.length + doubted.length > 0) await ledger.deletions.prove(recorded, { proven, doubted })
      proven = []
      doubted = []
    }
    const doubts: MessageKey[] = []
    for await (const { key, state } of book.readBack(
      await ledger.load(recorded),
      ledger.deletions.unproven(recorded),
    )) {
      if (this.#interrupted()) break
      if (state === 'staged') {
        this.#staged = true
        break
      }
      if (state === 'intact') proven.push(key)
      else {
        doubted.push(key)
        doubts.push(key)
      }
      if (proven.length + doubted.length >= proofsAtOnce) await record()
    }
    await record()
    const listed = doubts.filter((key) => this.#context.roster.numberOf(key) !== undefined)
    if (listed.length > 0) this.#doubted.set(book.lane.target, listed)
    else this.#doubted.delete(book.lane.target)
  }

  async #deletable(): Promise<readonly number[]> {
    const { ledger, roster, books, clock, deleteAfter = 0 } = this.#context
    const byKey = new Map<MessageKey, number>()
    for (const number of this.#numbers) {
      const key = roster.keyOf(number)
      const has = books.every((book) => book.has(number))
      if (key === undefined || !has || this.#isShared(number) || this.#tried.has(number)) continue
      byKey.set(key, number)
    }
    const lanes = books.map(({ recorded }) => recorded)
    const when = { since: this.#movedAt, until: clock.now() - deleteAfter }
    const keys = await ledger.deletions.deletable(lanes, when, [...byKey.keys()])
    return keys.flatMap((key) => byKey.get(key) ?? [])
  }

  /** Of two messages with one id, nobody can say which one a later listing lacks. */
  #isShared(number: number): boolean {
    const { roster } = this.#context
    const { key } = roster.entry(number)
    return key.includes('\n') || roster.numberListedAs(`${key}\n2` as MessageKey) !== undefined
  }
}

/** The last listing shows it, under the id that it had or under another. */
function stays(roster: Roster, { key, listed }: Requested): boolean {
  return [roster.numberListedAs(listed), roster.numberOf(key)].some((number) => {
    return number !== undefined && roster.isListed(number)
  })
}

const proofsAtOnce = 500
