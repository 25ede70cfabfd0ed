import type { Flag } from '../ports/message.js'
import type { Receipt } from '../ports/target.js'
import type { Budget } from './budget.js'
import type { FetchedMessage } from './intake.js'

/** A fetched message on its way to the lanes that lack it. Its memory returns when the last of them is done with it. */
export class Delivery {
  /** The message's number in the roster; undefined where no listing of this run has shown it. */
  readonly number: number | undefined
  readonly message: FetchedMessage
  readonly flags: readonly Flag[]
  readonly #budget: Budget
  readonly #charged: number
  /** By target: copies that stood there already. */
  readonly #adopted = new Map<string, Receipt>()
  #lanes = 0
  #stranded = 0
  /** Some lane has stored it. */
  stored = false

  constructor(number: number | undefined, message: FetchedMessage, flags: readonly Flag[], memory: Memory) {
    this.number = number
    this.message = message
    this.flags = flags
    this.#budget = memory.budget
    this.#charged = memory.charged
  }

  /** A target's receipt with what the engine has to remember of the message. */
  complete(receipt: Receipt): Receipt {
    const { fingerprint, listed } = this.message
    return { ...receipt, flags: [...new Set([...this.flags, ...receipt.flags])], fingerprint, listed }
  }

  /** A copy of the message stands at this target and needs nothing but its receipt. */
  adopt(target: string, receipt: Receipt): void {
    this.#adopted.set(target, receipt)
  }

  /** The receipt for a copy that stood there already. */
  adopted(target: string): Receipt | undefined {
    return this.#adopted.get(target)
  }

  hold(): void {
    this.#lanes++
  }

  async release(): Promise<void> {
    this.#lanes--
    if (this.#lanes > 0) return
    this.#budget.release(this.#charged)
    if (this.#stranded === 0) await this.message.remove()
  }

  /** A lane hangs with it: it goes on holding the bytes, but nobody waits for their memory any longer. */
  async strand(): Promise<void> {
    this.#stranded++
    await this.release()
  }

  /** That lane is done with it after all. */
  async recover(): Promise<void> {
    this.#stranded--
    if (this.#lanes === 0 && this.#stranded === 0) await this.message.remove()
  }
}

export interface Memory {
  readonly budget: Budget
  /** What was reserved for the message. */
  readonly charged: number
}
