import type { Clock } from '../ports/clock.js'
import type { Delivery } from './delivery.js'

/**
 * A batch is due by count, by bytes or by the age of its first message, whichever comes first. Then it takes what has
 * gathered, up to the limits: while one batch is written, the next one fills.
 */
export interface BatchLimits {
  readonly due: {
    readonly messages: number
    /** The same for the first batch: until then the target has nothing to do. */
    readonly first: number
    readonly bytes: number
    readonly ageMs: number
  }
  readonly most: { readonly messages: number; readonly bytes: number }
}

/** What a lane was offered and has not begun yet. */
export class LaneQueue {
  readonly #limits: BatchLimits
  readonly #clock: Clock
  readonly #queue: Delivery[] = []
  #bytes = 0
  /** When the first message came, in monotonic time. */
  #oldest = 0
  #hurried = false
  #first = true

  constructor(limits: BatchLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  get length(): number {
    return this.#queue.length
  }

  add(delivery: Delivery): void {
    if (this.length === 0) this.#oldest = this.#clock.monotonic()
    this.#queue.push(delivery)
    this.#bytes += delivery.message.size
  }

  /** What is queued now is due. */
  hurry(): void {
    this.#hurried = this.length > 0
  }

  /** A batch is due. */
  get ripe(): boolean {
    if (this.length === 0) return false
    const { messages, first, bytes } = this.#limits.due
    const enough = this.#first ? first : messages
    return this.#hurried || this.length >= enough || this.#bytes >= bytes || this.ageLeftMs <= 0
  }

  /** Until the first message is old enough. */
  get ageLeftMs(): number {
    return this.#oldest + this.#limits.due.ageMs - this.#clock.monotonic()
  }

  /** The next batch. */
  take(): readonly Delivery[] {
    const { messages, bytes } = this.#limits.most
    let size = 0
    let count = 0
    for (const delivery of this.#queue) {
      if (count === messages || (count > 0 && size + delivery.message.size > bytes)) break
      size += delivery.message.size
      count++
    }
    this.#bytes -= size
    this.#first = false
    this.#oldest = this.#clock.monotonic()
    const batch = this.#queue.splice(0, count)
    if (this.length === 0) this.#hurried = false
    return batch
  }

  /** Everything, which is not going to be a batch. */
  clear(): readonly Delivery[] {
    this.#bytes = 0
    return this.#queue.splice(0)
  }
}
