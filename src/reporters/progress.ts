import type { AccountOutcome, Event } from '../ports/event.js'

interface Sums {
  /** Messages of the latest complete listing. */
  listed: number
  /** What this run has to copy, as far as listings told: messages and octets, finished ones included. */
  wanted: number
  wantedBytes: number
  /** Octets that arrived. */
  fetchedBytes: number
  /** Messages that are safe at every target now, of those that this run had to copy. */
  copied: number
  bytes: number
}

export interface AccountProgress extends Sums {
  readonly account: string
  state: 'connecting' | 'copying' | 'waiting' | AccountOutcome
}

/** Folds the events of a run into what views show. Holds no clock: each event comes with its monotonic time in ms. */
export class Progress {
  /** Those that have started, in the order of their start. */
  readonly accounts = new Map<string, AccountProgress>()
  /** Accounts of the run, started or not. */
  expected = 0
  finished = 0
  readonly #rate = new Rate()
  readonly #rates = new Map<string, Rate>()

  on(event: Event, atMs: number): void {
    if (event.type === 'run.started') this.expected = event.accounts
    if (event.type === 'account.started') this.#start(event.account)
    if (!('account' in event)) return
    const account = this.accounts.get(event.account)
    if (account) this.#advance(account, event, atMs)
  }

  /** The sums over all accounts that have started. */
  get total(): Sums {
    const total = { ...nothing }
    for (const account of this.accounts.values()) for (const field of summed) total[field] += account[field]
    return total
  }

  /** Octets a second, of late. */
  rate(atMs: number, account?: string): number {
    return (account === undefined ? this.#rate : this.#rates.get(account))?.perSecond(atMs) ?? 0
  }

  /** Seconds until everything that is known to be missing has arrived; undefined while nothing arrives. */
  secondsLeft(atMs: number): number | undefined {
    const rate = this.rate(atMs)
    const { wantedBytes, fetchedBytes } = this.total
    return rate > 0 ? Math.max(0, wantedBytes - fetchedBytes) / rate : undefined
  }

  #start(account: string): void {
    this.accounts.set(account, { account, state: 'connecting', ...nothing })
    this.#rates.set(account, new Rate())
  }

  #advance(account: AccountProgress, event: Event, atMs: number): void {
    switch (event.type) {
      case 'account.listed':
        account.state = 'copying'
        account.listed = event.messages
        account.wanted = account.copied + event.missing
        account.wantedBytes = account.bytes + event.missingBytes
        // What was fetched but is not safe will be fetched again.
        account.fetchedBytes = account.bytes
        break
      case 'message.fetched':
        account.fetchedBytes += event.size
        this.#rate.add(event.size, atMs)
        this.#rates.get(account.account)?.add(event.size, atMs)
        break
      case 'checkpoint':
        account.copied = event.copied
        account.bytes = event.bytes
        break
      case 'retry':
        account.state = 'waiting'
        break
      case 'account.finished':
        account.state = event.status
        account.copied = event.counts.copied
        account.bytes = event.counts.bytes
        this.finished++
        this.#rates.delete(account.account)
        break
      default:
    }
  }
}

const summed = ['listed', 'wanted', 'wantedBytes', 'fetchedBytes', 'copied', 'bytes'] as const
const nothing: Sums = { listed: 0, wanted: 0, wantedBytes: 0, fetchedBytes: 0, copied: 0, bytes: 0 }

const windowSeconds = 10

/** Octets a second over the last ten seconds, in buckets of one. */
class Rate {
  readonly #buckets = new Float64Array(windowSeconds)
  #startedAt: number | undefined
  #second = 0

  add(bytes: number, atMs: number): void {
    this.#startedAt ??= atMs
    this.#moveTo(atMs)
    const index = this.#second % windowSeconds
    this.#buckets[index] = (this.#buckets[index] ?? 0) + bytes
  }

  perSecond(atMs: number): number {
    if (this.#startedAt === undefined) return 0
    this.#moveTo(atMs)
    const seconds = Math.min(windowSeconds, Math.max(1, (atMs - this.#startedAt) / 1000))
    return this.#buckets.reduce((sum, bytes) => sum + bytes, 0) / seconds
  }

  /** Forgets the seconds that fell out of the window. */
  #moveTo(atMs: number): void {
    const second = Math.floor(atMs / 1000)
    for (let passed = Math.max(this.#second + 1, second - windowSeconds + 1); passed <= second; passed++) {
      this.#buckets[passed % windowSeconds] = 0
    }
    this.#second = Math.max(second, this.#second)
  }
}
