import { asFault, Fault } from '../ports/fault.js'
import type { AccountContext, AccountJob, AccountResult } from './account-job.js'
import { recordOutcome } from './account-summary.js'
import { beginAdoption, endAdoption, offer, tellAdopted } from './adopting.js'
import { Agenda } from './agenda.js'
import { backFill } from './back-fill.js'
import { Backoff } from './backoff.js'
import { Deletions } from './deletions.js'
import type { Delivery } from './delivery.js'
import { conclusion } from './expected.js'
import { type Habits, longestLookMs, mayShowMore, recallHabits } from './habits.js'
import { Identity } from './identity.js'
import { LaneBook } from './lane-book.js'
import { Lanes } from './lanes.js'
import { outcome } from './outcome.js'
import { Quarantine } from './quarantine.js'
import { type MessageFailure, Roster } from './roster.js'
import { SecondFetch } from './second-fetch.js'
import { Selection } from './selection.js'
import { deliver, runSession, type SessionContext } from './session.js'
import { Speed } from './speed.js'
import type { Window } from './window.js'

/** Brings one maildrop to all its targets: sessions are repeated, with pauses, as long as there is hope. */
export async function runAccount(job: AccountJob, context: AccountContext): Promise<AccountResult> {
  return new AccountRun(job, context).run()
}

class AccountRun {
  readonly #job: AccountJob
  readonly #context: AccountContext
  readonly #roster = new Roster()
  readonly #quarantine: Quarantine
  readonly #books: readonly LaneBook[]
  readonly #lanes: Lanes
  readonly #identity: Identity
  readonly #deletions: Deletions
  readonly #agenda: Agenda
  readonly #session: Omit<SessionContext, keyof Habits>
  readonly #secondFetch: SecondFetch
  readonly #selection: Selection
  readonly #speed: Speed
  /** Why the account stopped before everything was settled. */
  #fault: Fault | undefined
  #habits: Habits | undefined
  readonly #askAgain = new Fault('connection-lost', 'a message has to be asked for once more')
  #mismatched = 0
  /** The lanes that are open have everything that could be fetched. */
  #caughtUp = false
  /** Interrupted before the account had come to its end. */
  #cutShort = false

  constructor(job: AccountJob, context: AccountContext) {
    this.#job = job
    this.#context = context
    const onDelivered = (delivery: Delivery): void => {
      this.#delivered(delivery)
    }
    const { name: account, source, select } = job
    this.#quarantine = new Quarantine({ ...context, account, folder: context.quarantine, roster: this.#roster })
    const { clock, emit } = context
    const side = { roster: this.#roster, quarantine: this.#quarantine, clock, emit, onDelivered }
    this.#books = job.targets.map((target) => new LaneBook(job.name, target, side))
    const lanes = (this.#lanes = new Lanes(this.#books, context.clock))
    const parts = { roster: this.#roster, books: this.#books, lanes, quarantine: this.#quarantine }
    const [{ recorded } = { recorded: { account } }] = this.#books
    const identity = (this.#identity = new Identity({
      ...context,
      ...parts,
      account: recorded.account,
      server: source.server,
      rules: source.rules,
    }))
    const deletions = (this.#deletions = new Deletions({
      ...context,
      ...parts,
      account: recorded.account,
      rules: source.rules,
      deleteAfter: context.dryRun || context.limit !== undefined ? undefined : job.deleteAfter,
      sizesWrong: () => this.#secondFetch.futile,
    }))
    const agenda = (this.#agenda = new Agenda({ ...parts, identity, limit: context.limit }))
    const secondFetch = (this.#secondFetch = new SecondFetch({ ...context, account }))
    const selection = (this.#selection = new Selection({
      select,
      roster: this.#roster,
      now: context.clock.now(),
      sizesCount: () => source.rules.sizes === 'auto' && !secondFetch.futile,
    }))
    const speed = (this.#speed = new Speed({ ...context, account }))
    const looked = { identity, deletions, agenda, secondFetch, selection, speed }
    this.#session = { ...context, ...parts, ...looked, account, source }
  }

  async run(): Promise<AccountResult> {
    const { clock, emit } = this.#context
    const { name: account, source } = this.#job
    const startedAt = clock.monotonic()
    emit({ type: 'account.started', account, server: source.host })
    try {
      await this.#attempts()
    } catch (error) {
      this.#fault = asFault(error)
    }
    await this.#close()
    const found = { ...this.#context, failures: this.#failures(), roster: this.#roster }
    const result = await recordOutcome(this.#result(), found)
    const { status, counts } = result
    const [fault] = status === 'ok' ? [] : result.faults
    const seconds = (clock.monotonic() - startedAt) / 1000
    emit({ type: 'account.finished', account, status, counts, seconds, ...(fault && { fault }) })
    return result
  }

  async #attempts(): Promise<void> {
    const { signal, clock, retry, dryRun } = this.#context
    if (!dryRun) {
      await this.#quarantine.load()
      await beginAdoption({ ...this.#job, ...this.#context, account: this.#job.name, books: this.#books })
    }
    const habits = await recallHabits(this.#job.name, this.#job.source, this.#context)
    const { window, pace } = (this.#habits = habits)
    const backoff = new Backoff(retry, clock)
    this.#cutShort = this.#stopping()
    while (!this.#stopping()) {
      if (pace.waitMs > retry.maxWait) throw pace.fault
      if (pace.waitMs > 0) {
        await this.#pause(pace.waitMs, backoff.attempt, pace.fault)
        continue
      }
      const before = this.#progress()
      const ended = await this.#attempt(habits)
      this.#caughtUp = ended === undefined
      if (this.#stopping()) {
        this.#cutShort = ended !== undefined || this.#goesOn(habits)
        return
      }
      if (!ended && (this.#selection.reconsider() || this.#secondFetch.isDue(() => this.#agenda.wanted()))) {
        // The server may take a moment to see that the last connection is gone.
        await clock.sleep(retry.minDelay, signal).catch(asFault)
        this.#cutShort = this.#stopping()
        continue
      }
      const fault = ended ?? this.#reasonToReturn(habits)
      if (!fault) {
        if (await this.#returns(habits)) {
          backoff.progress()
          continue
        }
        await this.#conclude(window)
        return
      }
      if (this.#progress() > before) backoff.progress()
      const delayMs = fault.transient || !ended ? backoff.delayAfter(fault) : undefined
      if (delayMs === undefined) {
        // Where neither a lane nor a message says why, the account must.
        this.#fault = (ended && backoff.outlasting(ended)) ?? (fault === this.#askAgain ? fault : undefined)
        return
      }
      await this.#pause(delayMs, backoff.attempt, fault)
    }
  }

  async #pause(delayMs: number, attempt: number, fault: Fault): Promise<void> {
    const { signal, clock, emit } = this.#context
    emit({ type: 'retry', account: this.#job.name, attempt, delayMs: Math.round(delayMs), fault })
    await clock.sleep(delayMs, signal).catch(asFault)
    this.#cutShort = this.#stopping()
  }

  /** One session from sign-in to QUIT; resolves with the fault that ended it early. */
  async #attempt(habits: Habits): Promise<Fault | undefined> {
    const { dryRun } = this.#context
    // Where fetching hides messages, nothing is fetched before all are there.
    if (!dryRun) await this.#lanes.open(this.#context, this.#caughtUp || habits.window.hides)
    if (!dryRun && this.#books.every((book) => !book.run)) return undefined
    await this.#retryKept()
    try {
      await runSession({ ...this.#session, ...habits })
      return undefined
    } catch (error) {
      return asFault(error)
    } finally {
      // What was fetched before the session broke is good: it counts as progress before anybody decides to wait.
      if (!this.#stopping()) await this.#lanes.flush()
      await this.#retryKept()
    }
  }

  /** Needs no session. What has to wait for messages that are to be fetched first comes after it. */
  async #retryKept(): Promise<void> {
    // `--limit` and `--dry-run` are for trying things out.
    if (this.#context.dryRun || this.#context.limit !== undefined) return
    await this.#quarantine.retry(this.#books, this.#lanes, async (book, delivery) => offer(book, delivery, this.#lanes))
  }

  /** After an orderly session: why another one is needed, if it is. */
  #reasonToReturn(habits: Habits): Fault | undefined {
    if (this.#context.dryRun) return undefined
    const stopped = this.#books.find((book) => book.fault && book.alive)?.fault
    if (stopped) return stopped
    // What is fetched for one target alone would be hidden from the other (CONTRACT, guarantee 1).
    if (habits.window.hides && !this.#books.every((book) => book.alive)) return undefined
    const [number] = this.#agenda.wanted()
    if (number === undefined) return undefined
    const refusal = this.#roster.sourceFault(number)
    return refusal ?? (this.#goesOn(habits) ? undefined : this.#askAgain)
  }

  /** After an orderly session: another one may show messages that were never listed in this run. */
  #goesOn(habits: Habits): boolean {
    return mayShowMore(habits) && !this.#agenda.exhausted && this.#books.every((book) => book.run)
  }

  /** After an orderly session that has left nothing to fetch: another one may show more, or deletes, or sees that it is gone. */
  async #returns(habits: Habits): Promise<boolean> {
    if (this.#goesOn(habits)) return true
    if (!this.#books.every((book) => book.alive && book.run)) return false
    if (this.#deletions.staged) {
      // Brings archives to their place, where they can be read back.
      for (const book of this.#books) await book.close()
      await this.#deletions.look()
    }
    return this.#deletions.due && habits.pace.waitMs <= longestLookMs
  }

  /** The maildrop has shown what it has, unless `--limit` ended it before. */
  async #conclude(window: Window): Promise<void> {
    if (this.#agenda.exhausted) return
    await window.settle()
    if (!this.#roster.listed || (window.hides && !this.#books.every((book) => book.alive))) return
    const { ledger, dryRun } = this.#context
    const seen = { ...this.#session, ledger, window }
    this.#fault = (await conclusion(seen)) ?? (dryRun ? undefined : await backFill(seen))
    if (!dryRun) await endAdoption(seen)
  }

  #stopping(): boolean {
    return this.#context.signal.aborted
  }

  /** What this run has brought about so far. */
  #progress(): number {
    const others = this.#secondFetch.progress + this.#selection.progress + this.#identity.recognised
    return this.#books.reduce((sum, book) => sum + book.receipts, others + this.#deletions.confirmed)
  }

  #delivered({ number, message, flags, stored }: Delivery): void {
    if (number === undefined || !this.#books.every((book) => book.has(number))) return
    if (!stored) {
      this.#roster.setPresent(number)
      return
    }
    this.#roster.setCopied(number, message.size)
    if (flags.includes('size-mismatch')) this.#mismatched++
  }

  async #close(): Promise<void> {
    await this.#settleFirstCopies().catch((error: unknown) => {
      this.#fault ??= asFault(error)
    })
    for (const error of await this.#lanes.finish(this.#context.ledger)) this.#fault ??= asFault(error)
    await this.#quarantine.tidy()
    if (!this.#stopping()) this.#deletions.tell()
    tellAdopted(this.#books, this.#context.emit)
    this.#quarantine.settle(this.#books)
  }

  #failures(): readonly MessageFailure[] {
    const lost = this.#roster.listed ? this.#books.flatMap((book) => book.unlisted()) : []
    return [...this.#roster.failures(), ...this.#quarantine.unlisted(), ...lost]
  }

  /** What could not be fetched once more is stored as it came, rather than not at all. */
  async #settleFirstCopies(): Promise<void> {
    if (this.#stopping()) return this.#secondFetch.discard()
    for (const arrival of this.#secondFetch.rest()) await deliver(arrival, this.#session)
    await this.#identity.finish()
    await this.#lanes.flush()
    await this.#speed.remember()
  }

  #result(): AccountResult {
    if (this.#habits?.window.windowed) this.#roster.setWindowed()
    const counts = { ...this.#roster.counts(), deleted: this.#deletions.confirmed }
    const lanes = this.#books.flatMap(({ fault }) => (fault ? [fault] : []))
    const messages = this.#failures().map(({ fault }) => fault)
    const { defects = [] } = this.#job
    const own = [this.#fault, ...lanes, this.#quarantine.fault, ...messages, ...this.#deletions.faults, ...defects]
    const faults = own.filter((fault) => fault !== undefined)
    const others = faults.filter((fault) => !lanes.includes(fault))
    const cutShort = this.#cutShort || (this.#stopping() && counts.pending > 0)
    const status = cutShort && faults.length === 0 ? 'incomplete' : outcome(others, lanes, counts)
    const mismatched = this.#secondFetch.futile ? 0 : this.#mismatched
    return { account: this.#job.name, status, counts, faults, mismatched }
  }
}
