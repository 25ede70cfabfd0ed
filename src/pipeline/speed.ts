import type { Clock } from '../ports/clock.js'
import type { Ledger } from '../ports/ledger.js'

export interface SpeedContext {
  readonly account: string
  readonly ledger: Ledger
  readonly clock: Clock
  /** The plan allows so many bytes a second: then nothing is learnt of the server. */
  readonly limits?: { readonly bandwidth?: number } | undefined
}

/** How fast a run fetched from a maildrop and stored, for the next `check` to tell the time by. */
export class Speed {
  readonly #context: SpeedContext
  #messages = 0
  #bytes = 0
  #ms = 0

  constructor(context: SpeedContext) {
    this.#context = context
  }

  /** Measures a session's work, which resolves with the messages that it fetched and their octets, whatever the server listed. */
  async measure<T extends { readonly fetched: readonly number[]; readonly octets: number }>(
    work: Promise<T>,
  ): Promise<T> {
    const { clock } = this.#context
    const began = clock.monotonic()
    const result = await work
    this.#ms += clock.monotonic() - began
    this.#messages += result.fetched.length
    this.#bytes += result.octets
    return result
  }

  /** A handful of messages says nothing. */
  async remember(): Promise<void> {
    const { account, ledger, limits } = this.#context
    if (limits?.bandwidth !== undefined || (this.#messages < fewMessages && this.#bytes < fewOctets)) return
    const [messages, bytes, ms] = [this.#messages, this.#bytes, Math.max(1, Math.round(this.#ms))]
    await ledger.remember(account, { speed: { messages, bytes, ms } })
  }
}

const fewMessages = 100
const fewOctets = 10 * 1024 * 1024
