import { setTimeout as sleep } from 'node:timers/promises'
import type { Wire } from '../pop3/wire.js'

export interface IdleMode {
  /** With nothing asked for, this long passes until a NOOP is sent, ms. */
  readonly idleMs: number
  /** False where the server has refused one. */
  readonly noop: boolean
  refusesNoop(): void
}

/** Keeps a server from hanging up while there is nothing to ask for: some do after a minute (QUIRKS SES-01, RET-28). */
export class Idle {
  readonly #wire: Wire
  readonly #mode: IdleMode
  #takesNoop: boolean

  constructor(wire: Wire, mode: IdleMode) {
    this.#wire = wire
    this.#mode = mode
    this.#takesNoop = mode.noop
  }

  /** Waits for something else, with no command outstanding. */
  async until<T>(settles: Promise<T>): Promise<T> {
    const settled = settles.then(() => true)
    for (let idle = true; idle;) {
      const over = new AbortController()
      try {
        idle = !(await Promise.race([settled, sleep(this.#mode.idleMs, false, { signal: over.signal })]))
      } finally {
        over.abort()
      }
      if (idle && this.#takesNoop) await this.#noop()
    }
    return settles
  }

  /** A server that refuses it is not asked again: some take it for a bad command and count those. */
  async #noop(): Promise<void> {
    this.#wire.connection.phase = 'NOOP'
    const reply = await this.#wire.ask('NOOP')
    if (reply.ok) return
    if (reply.status !== 'error') throw this.#wire.outOfStep(reply)
    this.#takesNoop = false
    this.#mode.refusesNoop()
  }
}
