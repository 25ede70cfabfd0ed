import { Fault, type FaultCode } from '../ports/fault.js'
import type { MessageKey } from '../ports/message.js'

/**
 * Which messages make a server hang up (QUIRKS APP-17). Those under way when a connection died are sent one at a time from
 * then on; one with which it dies again as the first that it was sent, or that was refused just before it died, fails and
 * is not sent any more in this run, so that the others get through. Behind others the end may be the server's own: some
 * hang up after so many messages. A server that falls silent is not counted: it may be at work on the message still.
 * Belongs to the target: a writer ends with its connection.
 */
export class Suspects {
  /** Under way when a connection died. */
  readonly #suspected = new Set<MessageKey>()
  /** Not to be sent any more, and why. */
  readonly #guilty = new Map<MessageKey, Fault>()
  /** Refused since the last commit. */
  readonly #refused = new Map<MessageKey, Fault>()
  #turn: Promise<unknown> = Promise.resolve()
  /** How the connection ended while its messages were sent one at a time. */
  #end: Fault | undefined
  /** Over this connection the server has answered a message. */
  #answered = false

  /** A new connection: whatever was not committed over the last one comes again. */
  renew(): void {
    this.#end = undefined
    this.#answered = false
    for (const [key, fault] of this.#refused) this.#guilty.set(key, fault)
    this.#refused.clear()
  }

  /** Sends the message, by itself as long as any is suspected; rejects with a fault of the message if it is to blame. */
  async send<T>(key: MessageKey, send: () => Promise<T>): Promise<T> {
    const fault = this.#guilty.get(key)
    if (fault) throw fault
    if (this.#suspected.size === 0) return this.#watch(key, send, false)
    const turn = this.#turn.then(async () => this.#watch(key, send, true))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** It stands there. */
  acquit(key: MessageKey): void {
    this.#suspected.delete(key)
  }

  /** The server has answered that it does not take the message; gives the fault back. */
  refused(key: MessageKey, fault: Fault): Fault {
    if (fault.scope === 'message') this.#refused.set(key, fault)
    return fault
  }

  committed(): void {
    this.#refused.clear()
  }

  async #watch<T>(key: MessageKey, send: () => Promise<T>, alone: boolean): Promise<T> {
    if (alone && this.#end) throw this.#end
    try {
      const result = await send()
      this.#answered = true
      this.acquit(key)
      return result
    } catch (error) {
      if (error instanceof Fault && deaths.has(error.code)) this.#died(key, error, alone)
      throw error
    }
  }

  #died(key: MessageKey, fault: Fault, alone: boolean): void {
    if (alone) this.#end = fault
    // Of one that was refused before, the end may be the rest.
    const other = !alone || this.#answered || this.#refused.size > 0 || !this.#suspected.has(key)
    if (other) {
      this.#suspected.add(key)
      return
    }
    this.#suspected.delete(key)
    const words = 'the server hangs up on this message'
    this.#guilty.set(key, new Fault('append-refused', words, { ...fault.facts, cause: fault }))
  }
}

const deaths: ReadonlySet<FaultCode> = new Set(['connection-lost', 'protocol'])
