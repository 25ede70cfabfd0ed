import type { Clock } from '../ports/clock.js'
import type { AccountOutcome, Counts, Emit } from '../ports/event.js'
import { asFault, Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { Source } from '../ports/source.js'
import { Agenda } from './agenda.js'
import { Backoff, type RetryPolicy } from './backoff.js'
import type { Budget } from './budget.js'
import type { Delivery } from './delivery.js'
import { Identity } from './identity.js'
import type { MessageIntake } from './intake.js'
import type { BatchLimits } from './lane.js'
import { type AccountTarget, LaneBook } from './lane-book.js'
import { Roster } from './roster.js'
import { SecondFetch } from './second-fetch.js'
import { deliver, runSession, type SessionContext } from './session.js'

export interface AccountJob {
  readonly name: string
  readonly source: Source
  readonly targets: readonly AccountTarget[]
}

export interface AccountContext {
  readonly run: string
  readonly ledger: Ledger
  readonly clock: Clock
  readonly emit: Emit
  readonly intake: MessageIntake
  readonly budget: Budget
  readonly batch: BatchLimits
  readonly retry: RetryPolicy
  /** Look and tell only: no RETR, no target opened, nothing written. */
  readonly dryRun: boolean
  /** At most so many messages. */
  readonly limit: number | undefined
  /** Aborted: stop at the next checkpoint. */
  readonly signal: AbortSignal
}

export interface AccountResult {
  readonly account: string
  readonly status: AccountOutcome
  readonly counts: Counts
  /** Everything that kept something from being done. */
  readonly faults: readonly Fault[]
  /** Copied messages that arrived shorter than listed (CONTRACT, guarantee 1). */
  readonly mismatched: number
}

/** Brings one maildrop to all its targets: sessions are repeated, with pauses, as long as there is hope. */
export async function runAccount(job: AccountJob, context: AccountContext): Promise<AccountResult> {
  return new AccountRun(job, context).run()
}

class AccountRun {
  readonly #job: AccountJob
  readonly #context: AccountContext
  readonly #roster = new Roster()
  readonly #books: readonly LaneBook[]
  readonly #identity: Identity
  readonly #agenda: Agenda
  readonly #session: SessionContext
  readonly #secondFetch: SecondFetch
  /** Why the account stopped before everything was settled. */
  #fault: Fault | undefined
  readonly #askAgain = new Fault('connection-lost', 'a message has to be asked for once more')
  #mismatched = 0
  /** Interrupted before the account had come to its end. */
  #cutShort = false

  constructor(job: AccountJob, context: AccountContext) {
    this.#job = job
    this.#context = context
    const onDelivered = (delivery: Delivery): void => {
      this.#delivered(delivery)
    }
    const side = { roster: this.#roster, emit: context.emit, onDelivered }
    this.#books = job.targets.map((target) => new LaneBook(job.name, target, side))
    const { name: account, source } = job
    this.#secondFetch = new SecondFetch({ ...context, account })
    const parts = { roster: this.#roster, books: this.#books }
    this.#identity = new Identity({
      ...context,
      ...parts,
      account: this.#books[0]?.recorded.account ?? account,
      server: source.server,
      rules: source.rules,
    })
    const identity = this.#identity
    this.#agenda = new Agenda({ ...parts, identity, limit: context.limit })
    const helpers = { identity, agenda: this.#agenda, secondFetch: this.#secondFetch }
    this.#session = { ...context, ...parts, ...helpers, account, source }
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
    const result = await this.#record(this.#result())
    const { status, counts } = result
    const [fault] = status === 'ok' ? [] : result.faults
    const seconds = (clock.monotonic() - startedAt) / 1000
    emit({ type: 'account.finished', account, status, counts, seconds, ...(fault && { fault }) })
    return result
  }

  async #attempts(): Promise<void> {
    const { signal, clock, emit, retry } = this.#context
    const { name: account } = this.#job
    const backoff = new Backoff(retry, clock)
    this.#cutShort = this.#stopping()
    while (!this.#stopping()) {
      const before = this.#progress()
      const ended = await this.#attempt()
      if (this.#stopping()) {
        this.#cutShort = ended !== undefined
        return
      }
      if (!ended && this.#secondFetch.isDue(() => this.#agenda.wanted())) {
        // The server may take a moment to see that the last connection is gone.
        await clock.sleep(retry.minDelay, signal).catch(asFault)
        this.#cutShort = this.#stopping()
        continue
      }
      const fault = ended ?? this.#reasonToReturn()
      if (!fault) return
      if (this.#progress() > before) backoff.progress()
      const delayMs = fault.transient || !ended ? backoff.delayAfter(fault) : undefined
      if (delayMs === undefined) {
        // Where neither a lane nor a message says why, the account must.
        this.#fault = ended ?? (fault === this.#askAgain ? fault : undefined)
        return
      }
      emit({ type: 'retry', account, attempt: backoff.attempt, delayMs: Math.round(delayMs), fault })
      await clock.sleep(delayMs, signal).catch(asFault)
      this.#cutShort = this.#stopping()
    }
  }

  /** One session from sign-in to QUIT; resolves with the fault that ended it early. */
  async #attempt(): Promise<Fault | undefined> {
    const { dryRun } = this.#context
    for (const book of dryRun ? [] : this.#books) await book.open(this.#context)
    if (!dryRun && this.#books.every((book) => !book.run)) return undefined
    try {
      await runSession(this.#session)
      return undefined
    } catch (error) {
      return asFault(error)
    } finally {
      // What was fetched before the session broke is good: it counts as progress before anybody decides to wait.
      if (!this.#stopping()) await Promise.all(this.#books.map(async (book) => book.run?.flush()))
    }
  }

  /** After an orderly session: why another one is needed, if it is. */
  #reasonToReturn(): Fault | undefined {
    if (this.#context.dryRun) return undefined
    const stopped = this.#books.find((book) => book.fault && book.alive)?.fault
    if (stopped) return stopped
    const [number] = this.#agenda.wanted()
    if (number === undefined) return undefined
    return this.#roster.sourceFault(number) ?? this.#askAgain
  }

  #stopping(): boolean {
    return this.#context.signal.aborted
  }

  /** What this run has brought about so far. */
  #progress(): number {
    const others = this.#secondFetch.progress + this.#identity.recognised
    return this.#books.reduce((sum, book) => sum + book.receipts, others)
  }

  #delivered({ number, message, flags }: Delivery): void {
    if (!this.#books.every((book) => book.has(number))) return
    this.#roster.setCopied(number, message.size)
    if (flags.includes('size-mismatch')) this.#mismatched++
  }

  async #close(): Promise<void> {
    await this.#settleFirstCopies().catch((error: unknown) => {
      this.#fault ??= asFault(error)
    })
    const closed = await Promise.allSettled(this.#books.map(async (book) => book.close()))
    for (const outcome of closed) if (outcome.status === 'rejected') this.#fault ??= asFault(outcome.reason)
  }

  /** What could not be fetched once more is stored as it came, rather than not at all. */
  async #settleFirstCopies(): Promise<void> {
    if (this.#stopping()) {
      await this.#secondFetch.discard()
      return
    }
    for (const arrival of this.#secondFetch.rest()) await deliver(arrival, this.#session)
    await this.#identity.finish()
    await Promise.all(this.#books.map(async ({ run }) => run?.flush()))
  }

  #result(): AccountResult {
    const counts = this.#roster.counts()
    const lanes = this.#books.flatMap(({ fault }) => (fault ? [fault] : []))
    const messages = this.#roster.failures().map(({ fault }) => fault)
    const faults = [...(this.#fault ? [this.#fault] : []), ...lanes, ...messages]
    const cutShort = this.#cutShort || (this.#stopping() && counts.pending > 0)
    const status = cutShort && faults.length === 0 ? 'incomplete' : outcome(faults, counts)
    const mismatched = this.#secondFetch.futile ? 0 : this.#mismatched
    return { account: this.#job.name, status, counts, faults, mismatched }
  }

  /** Tells of every message that failed, and writes the account's outcome into the ledger. */
  async #record(result: AccountResult): Promise<AccountResult> {
    const { emit, ledger, clock, run, dryRun } = this.#context
    const { account, status, faults } = result
    const failures = this.#roster.failures()
    for (const { key, target, fault } of failures) {
      emit({ type: 'message.failed', account, key, ...(target !== undefined && { target }), fault })
    }
    if (dryRun) return result
    const stop = faults.find(({ scope }) => scope !== 'message')
    const why = stop && { code: stop.code, error: stop.message }
    try {
      const rows = failures.map(({ own: key, target, fault: { code, message: error } }) => {
        return { key, ...(target !== undefined && { target }), code, error }
      })
      // Without a listing nobody has looked: what earlier runs recorded stands.
      const found = this.#roster.listed ? { failures: rows } : {}
      await ledger.finishAccount(account, { run, at: clock.now(), status, ...found, ...why })
      return result
    } catch (error) {
      return { ...result, status: 'failed', faults: [asFault(error), ...faults] }
    }
  }
}

/** `failed`: nothing more will happen until someone looks; `incomplete`: some of it is missing. */
function outcome(faults: readonly Fault[], counts: Counts): AccountOutcome {
  if (faults.some(({ scope, transient }) => (scope === 'account' || scope === 'run') && !transient)) return 'failed'
  return faults.length > 0 || counts.failed > 0 ? 'incomplete' : 'ok'
}
