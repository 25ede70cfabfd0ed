import type { Clock } from '../ports/clock.js'
import { asFault, type Fault } from '../ports/fault.js'
import type { Ledger, LaneStep } from '../ports/ledger.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Kept } from '../ports/quarantine.js'
import type { Announced, Lane, Progress, Receipt, Target, Writer } from '../ports/target.js'
import { appendBatch, type Keeper, type Outcome } from './batch.js'
import type { Delivery } from './delivery.js'

/** What a lane tells the account it belongs to. */
export interface LaneObserver extends Keeper {
  /** The message's receipt is committed in the ledger. */
  delivered(delivery: Delivery, receipt: Receipt): void
  /** Its batch is committed without it; the ledger knows where it is kept, if it is. The lane goes on. */
  refused(delivery: Delivery, fault: Fault, kept: Kept | undefined): void
  /** One commit of the ledger. */
  checkpoint(messages: number): void
  /** The lane takes no more messages. */
  stopped(fault: Fault): void
}

export interface LaneContext {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly batch: BatchLimits
  readonly observer: LaneObserver
  readonly signal: AbortSignal
}

/**
 * A batch is due by count, by bytes or by the age of its first message, whichever comes first. Then it takes what has
 * gathered, up to the limits: while one batch is written, the next one fills.
 */
export interface BatchLimits {
  readonly due: { readonly messages: number; readonly bytes: number; readonly ageMs: number }
  readonly most: { readonly messages: number; readonly bytes: number }
}

/**
 * One lane at work, by itself: begins, appends and commits batch after batch of what it is offered, in the order that
 * makes a delivery exactly-once (ARCHITECTURE, "The one loop"). No adapter and no other lane can change that order.
 */
export class LaneRun {
  readonly lane: Lane
  readonly #context: LaneContext
  readonly #writer: Writer
  /** Announced by a run that died and not offered yet, in announced order. */
  #owed: readonly Announced[]
  /** Announced by a run that died, and not to be had in this one. */
  #postponed: readonly Announced[] = []
  readonly #queue: Delivery[] = []
  /** Everything offered and not yet released: queued or in the batch in hand. */
  readonly #held = new Set<Delivery>()
  readonly #done: Promise<void>
  #queuedBytes = 0
  #oldest = 0
  #hurried = false
  #working = false
  #closed = false
  #fault: Fault | undefined
  #wake: (() => void) | undefined
  #idle: (() => void)[] = []

  /** Opens the target where the ledger says the lane stands. Rejects with the Fault that keeps it closed. */
  static async open(lane: Lane, target: Target, context: LaneContext): Promise<LaneRun> {
    const progress = await context.ledger.load(lane)
    return new LaneRun(lane, progress, await target.open(lane, progress, context.signal), context)
  }

  private constructor(lane: Lane, progress: Progress, writer: Writer, context: LaneContext) {
    this.lane = lane
    this.#writer = writer
    this.#context = context
    this.#owed = progress.announced
    this.#done = this.#run()
  }

  get fault(): Fault | undefined {
    return this.#fault
  }

  get open(): boolean {
    return !this.#closed && this.#fault === undefined
  }

  /** Announced by a run that died: to be fetched first and in this order, because a target may hold half of one. */
  get owed(): readonly MessageKey[] {
    return this.#owed.map(({ key }) => key)
  }

  /** A run that died has announced exactly this message. */
  announced({ key, sha256 }: Message): boolean {
    return this.#owed.some((owed) => owed.key === key && owed.sha256 === sha256)
  }

  /**
   * These announced messages are not to be had in this run: nothing waits for them, but they stay announced. One that the
   * server does not list may be there again tomorrow, and its copy may stand in the target.
   */
  postpone(withheld: (key: MessageKey) => boolean): void {
    this.#postponed = [...this.#postponed, ...this.#owed.filter(({ key }) => withheld(key))]
    this.#owed = this.#owed.filter(({ key }) => !withheld(key))
  }

  /** False where the lane cannot take the message now: it has stopped, or others are owed first. */
  offer(delivery: Delivery): boolean {
    if (!this.open) return false
    const { key } = delivery.message
    if (this.#owed[0] && this.#owed[0].key !== key) return false
    if (this.#owed.length > 0) this.#owed = this.#owed.slice(1)
    if (this.#postponed.length > 0) this.#postponed = this.#postponed.filter((one) => one.key !== key)
    delivery.hold()
    this.#held.add(delivery)
    const first = this.#queue.length === 0
    if (first) this.#oldest = this.#context.clock.monotonic()
    this.#queue.push(delivery)
    this.#queuedBytes += delivery.message.size
    // The first one is woken for as well: its age now counts.
    if (first || this.#ripe()) this.#wake?.()
    return true
  }

  /** Do not wait for a fuller batch with what is queued now. */
  hurry(): void {
    this.#hurried = this.#queue.length > 0
    this.#wake?.()
  }

  /** Resolves when everything offered so far is committed, or the lane has stopped. */
  async flush(): Promise<void> {
    while ((this.#queue.length > 0 || this.#working) && this.open) {
      this.hurry()
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  /** Finishes the batch in hand, drops what is only queued, and lets the target go. */
  async close(): Promise<void> {
    this.#closed = true
    this.#wake?.()
    await this.#done
    await this.#writer[Symbol.asyncDispose]()
  }

  async #run(): Promise<void> {
    try {
      for (let batch = await this.#nextBatch(); batch.length > 0; batch = await this.#nextBatch()) {
        await this.#admit(batch)
        await this.#context.ledger.advance(this.lane, { begun: this.#announce(batch) })
        // A commit and the begin of a batch that is ready by then share one transaction.
        for (let begun = batch; begun.length > 0;) begun = await this.#deliver(begun)
      }
      if (!this.#context.signal.aborted) await this.#seal([], true)
    } catch (error) {
      this.#fault = asFault(error)
      this.#context.observer.stopped(this.#fault)
    }
    await this.#abandon()
  }

  /** Delivers a begun batch, commits it, and returns the batch that was begun with the same commit, if any. */
  async #deliver(batch: readonly Delivery[]): Promise<readonly Delivery[]> {
    const outcomes = await appendBatch(this.#writer, batch, this.#context.observer)
    const committed = {
      receipts: outcomes.flatMap(({ delivery, receipt }) => (receipt ? delivery.complete(receipt) : [])),
      kept: outcomes.flatMap(({ refusal }) => refusal?.kept ?? []),
      position: await this.#writer.commit(),
      at: this.#context.clock.now(),
    }
    const following = this.#ripe() && this.open ? this.#take() : []
    const refusal = await this.#admit(following).then(() => undefined, asFault)
    const next = refusal ? [] : following
    // What a dead run announced stays announced until it has been offered.
    const begun = next.length + this.#owed.length + this.#postponed.length > 0 ? { begun: this.#announce(next) } : {}
    await this.#context.ledger.advance(this.lane, { committed, ...begun })
    await this.#settle(outcomes)
    await this.#seal(next, false)
    if (refusal) throw refusal
    return next
  }

  /** What is committed goes on to its final place; `begun` is announced and untouched meanwhile. */
  async #seal(begun: readonly Delivery[], last: boolean): Promise<void> {
    const { ledger, clock } = this.#context
    for await (const { position, moved = [], volume } of this.#writer.seal?.(last) ?? []) {
      const finished = volume && { volume: { ...volume, at: clock.now() } }
      await ledger.advance(this.lane, { begun: { ...this.#announce(begun), position }, moved, ...finished })
    }
  }

  async #admit(batch: readonly Delivery[]): Promise<void> {
    await this.#writer.admit(batch.map(({ message }) => message))
  }

  #announce(batch: readonly Delivery[]): NonNullable<LaneStep['begun']> {
    const offered = batch.map(({ message: { key, sha256, size, fingerprint } }) => ({ key, sha256, size, fingerprint }))
    const announced = [...offered, ...this.#owed, ...this.#postponed]
    return { announced, position: this.#writer.position, at: this.#context.clock.now() }
  }

  async #settle(outcomes: readonly Outcome[]): Promise<void> {
    const { observer } = this.#context
    for (const { delivery, receipt, refusal } of outcomes) {
      if (receipt) observer.delivered(delivery, receipt)
      else if (refusal) observer.refused(delivery, refusal.fault, refusal.kept)
    }
    observer.checkpoint(outcomes.length)
    await this.#release(outcomes.map(({ delivery }) => delivery))
  }

  async #release(deliveries: Iterable<Delivery>): Promise<void> {
    const leaving = [...deliveries]
    for (const delivery of leaving) this.#held.delete(delivery)
    await Promise.all(leaving.map(async (delivery) => delivery.release()))
  }

  /** After the loop: whatever was offered but not delivered is let go, and nobody waits for it any longer. */
  async #abandon(): Promise<void> {
    this.#queue.length = 0
    try {
      await this.#release(this.#held)
    } catch (error) {
      if (!this.#fault) this.#context.observer.stopped((this.#fault = asFault(error)))
    }
    this.#wakeIdle()
  }

  #wakeIdle(): void {
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  #ripe(): boolean {
    if (this.#queue.length === 0) return false
    const { messages, bytes } = this.#context.batch.due
    return this.#hurried || this.#queue.length >= messages || this.#queuedBytes >= bytes || this.#ageLeftMs() <= 0
  }

  #ageLeftMs(): number {
    return this.#oldest + this.#context.batch.due.ageMs - this.#context.clock.monotonic()
  }

  /** Waits until a batch is due; empty when the lane closes. */
  async #nextBatch(): Promise<readonly Delivery[]> {
    this.#working = false
    while (!this.#closed && !this.#ripe()) {
      if (this.#queue.length === 0) this.#wakeIdle()
      await this.#wait()
    }
    if (this.#closed) return []
    this.#working = true
    return this.#take()
  }

  /** Until somebody wakes the lane, or the first queued message is old enough. */
  async #wait(): Promise<void> {
    const over = new AbortController()
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    const aged = this.#queue.length > 0 ? [this.#context.clock.sleep(this.#ageLeftMs(), over.signal).catch(ignore)] : []
    await Promise.race([woken, ...aged])
    over.abort()
    this.#wake = undefined
  }

  #take(): readonly Delivery[] {
    const { messages, bytes } = this.#context.batch.most
    let size = 0
    let count = 0
    for (const delivery of this.#queue) {
      if (count === messages || (count > 0 && size + delivery.message.size > bytes)) break
      size += delivery.message.size
      count++
    }
    this.#queuedBytes -= size
    this.#oldest = this.#context.clock.monotonic()
    const batch = this.#queue.splice(0, count)
    if (this.#queue.length === 0) this.#hurried = false
    return batch
  }
}

function ignore(): void {
  // An aborted sleep is not an error.
}
