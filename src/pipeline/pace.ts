import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'
import type { AccountMemory, Ledger } from '../ports/ledger.js'
import type { Session, Source } from '../ports/source.js'

/** Keeps the distance between two sign-ins of one account that the plan or the server asks for (QUIRKS SES-03). */
export class Pace {
  readonly #options: PaceOptions
  #loginDelayMs: number
  /** Of the last sign-in, in monotonic time. */
  #signedInAt: number | undefined
  #recorded: boolean

  constructor(options: PaceOptions) {
    this.#options = options
    const { clock, memory } = options
    this.#loginDelayMs = memory.loginDelayMs ?? 0
    this.#recorded = memory.signedInAt !== undefined
    if (memory.signedInAt === undefined) return
    // A clock that went back since makes us wait once more, not until it has caught up (QUIRKS PRC-04).
    this.#signedInAt = clock.monotonic() - Math.max(0, clock.now() - memory.signedInAt)
  }

  /** How long the next sign-in has to wait. */
  get waitMs(): number {
    if (this.#signedInAt === undefined) return 0
    return Math.max(0, this.#signedInAt + this.#distanceMs - this.#options.clock.monotonic())
  }

  /** Sign-ins have to keep a distance. */
  get spaced(): boolean {
    return this.#distanceMs > 0
  }

  /** Why the next sign-in has to wait. */
  get fault(): Fault {
    const { source, clock } = this.#options
    const { signInEveryMs } = source.rules
    const seconds = Math.ceil(this.#distanceMs / 1000)
    const who = this.#loginDelayMs > signInEveryMs ? 'the server (LOGIN-DELAY)' : 'the plan (signInEvery)'
    const at = timeText(clock.now() + this.waitMs)
    const words = `${who} wants ${seconds} s between two sign-ins: it can go on at ${at}`
    return new Fault('throttled', words, { server: source.server, phase: 'sign-in' })
  }

  /** Signs in, and records when. One that failed counts as well: servers count what was tried. */
  async signIn(signal: AbortSignal): Promise<Session> {
    try {
      const session = await this.#options.source.connect(signal)
      this.#loginDelayMs = session.loginDelayMs
      await this.#record(session)
      return session
    } catch (error) {
      if (error instanceof Fault && error.facts.phase === 'sign-in') await this.#record()
      throw error
    }
  }

  get #distanceMs(): number {
    return Math.max(this.#options.source.rules.signInEveryMs, this.#loginDelayMs)
  }

  async #record(session?: Session): Promise<void> {
    const { account, ledger, clock, readOnly } = this.#options
    this.#signedInAt = clock.monotonic()
    if (readOnly || (this.#distanceMs === 0 && !this.#recorded)) return
    this.#recorded = true
    try {
      await ledger.remember(account, { signedInAt: clock.now(), loginDelayMs: this.#loginDelayMs })
    } catch (error) {
      await session?.[Symbol.asyncDispose]()
      throw error
    }
  }
}

export interface PaceOptions {
  readonly account: string
  readonly source: Source
  readonly ledger: Pick<Ledger, 'remember'>
  readonly clock: Clock
  readonly memory: AccountMemory
  /** Nothing is recorded. */
  readonly readOnly: boolean
}

/** A wall time in ms as people and programs read it, rounded up to a second. */
export function timeText(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}
