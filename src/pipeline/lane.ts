import { asFault, type Fault } from '../ports/fault.js'
import type { LaneStep } from '../ports/ledger.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Announced, Lane, Progress, Receipt, Room, Target, Writer } from '../ports/target.js'
import { appendBatch, type Outcome } from './batch.js'
import type { Delivery } from './delivery.js'
import type { LaneContext } from './lane-context.js'
import { LaneQueue } from './lane-queue.js'
import { neighbourhood } from './neighbours.js'

/**
 * One lane at work, by itself: begins, appends and commits batch after batch of what it is offered, in the order that
 * makes a delivery exactly-once (ARCHITECTURE, "The one loop"). No adapter and no other lane can change that order.
 */
export class LaneRun {
  readonly lane: Lane
  readonly room: Room | undefined
  readonly #context: LaneContext
  readonly #writer: Writer
  /** Announced by a run that died and not offered yet, in announced order. */
  #owed: readonly Announced[]
  /** Announced by a run that died, and not to be had in this one. */
  #postponed: readonly Announced[] = []
  readonly #queue: LaneQueue
  /** Everything offered and not yet released: queued or in the batch in hand. */
  readonly #held = new Set<Delivery>()
  readonly #done: Promise<void>
  #working = false
  #closed = false
  /** Nobody waits for it any longer. */
  #left = false
  #fault: Fault | undefined
  /** The ledger says where the lane stands. */
  #placed: boolean
  #wake: (() => void) | undefined
  #idle: (() => void)[] = []

  /** Opens the target where the ledger says the lane stands. Rejects with the Fault that keeps it closed. */
  static async open(lane: Lane, target: Target, context: LaneContext): Promise<LaneRun> {
    const { ledger, adopting = false } = context
    const progress = { ...(await ledger.load(lane)), adopting, neighbours: neighbourhood(lane, target.place, ledger) }
    const writer = await target.open(lane, progress, context.signal, context.stillness.gotOn)
    return new LaneRun(lane, progress, writer, context)
  }

  private constructor(lane: Lane, progress: Progress, writer: Writer, context: LaneContext) {
    this.lane = lane
    this.#writer = writer
    this.room = writer.room
    this.#context = context
    this.#queue = new LaneQueue(context.batch, context.clock)
    this.#owed = progress.announced
    this.#placed = progress.position !== undefined
    this.#done = this.#run()
  }

  get fault(): Fault | undefined {
    return this.#fault
  }

  get open(): boolean {
    return !this.#closed && this.#fault === undefined
  }

  /** A batch is in hand. */
  get working(): boolean {
    return this.#working
  }

  /** Announced by a run that died: to be fetched first and in this order, because a target may hold half of one. */
  get owed(): readonly MessageKey[] {
    return this.#owed.map(({ key }) => key)
  }

  /** Announced by a run that died, and without a receipt. */
  get unresolved(): readonly Announced[] {
    return [...this.#owed, ...this.#postponed]
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
    this.#queue.add(delivery)
    // The first one is woken for as well: its age now counts.
    if (this.#queue.length === 1 || this.#queue.ripe) this.#wake?.()
    return true
  }

  /** Enters what stands there already, and where the lane stands. Only while nothing is offered. */
  async record(found: readonly Receipt[]): Promise<void> {
    const { ledger, clock } = this.#context
    const position = await this.#writer.commit()
    await ledger.amend(this.lane, { found, ...(!this.#placed && { position }), at: clock.now() })
    this.#placed = true
  }

  /** Do not wait for a fuller batch with what is queued now. */
  hurry(): void {
    this.#queue.hurry()
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

  /**
   * Takes nothing more, and whoever waits for it goes on. The batch in hand comes to its end, whenever that is: its
   * receipts are as good as any.
   */
  leave(fault: Fault): void {
    this.#fault = fault
    this.#left = this.#closed = true
    this.#context.observer.stopped(fault)
    const queued = new Set(this.#queue.clear())
    const going = [...this.#held].map(async (one) => (queued.has(one) ? one.release() : one.strand()))
    for (const delivery of queued) this.#held.delete(delivery)
    void Promise.all(going).catch((error: unknown) => {
      this.#stopped(error)
    })
    this.#wakeIdle()
    this.#wake?.()
  }

  async #run(): Promise<void> {
    try {
      for (let batch = await this.#nextBatch(); batch.length > 0; batch = await this.#nextBatch()) {
        await this.#admit(batch)
        await this.#context.ledger.advance(this.lane, { begun: this.#announce(batch) })
        // A commit and the begin of a batch that is ready by then share one transaction.
        for (let begun = batch; begun.length > 0;) begun = await this.#deliver(begun)
      }
      if (!this.#context.signal.aborted && !this.#left) await this.#seal([], true)
    } catch (error) {
      this.#stopped(error)
    }
    await this.#abandon()
  }

  #stopped(error: unknown): void {
    this.#fault = asFault(error)
    this.#context.observer.stopped(this.#fault)
  }

  /** Delivers a begun batch, commits it, and returns the batch that was begun with the same commit, if any. */
  async #deliver(batch: readonly Delivery[]): Promise<readonly Delivery[]> {
    const { observer: keeper, stillness } = this.#context
    const outcomes = await appendBatch(this.#writer, batch, { ...this.lane, keeper, gotOn: stillness.gotOn })
    const committed = {
      receipts: outcomes.flatMap(({ delivery, receipt }) => (receipt ? delivery.complete(receipt) : [])),
      kept: outcomes.flatMap(({ refusal }) => refusal?.kept ?? []),
      position: await this.#writer.commit(),
      at: this.#context.clock.now(),
    }
    const following = this.#queue.ripe && this.open ? this.#queue.take() : []
    const refusal = await this.#admit(following).then(() => undefined, asFault)
    const next = refusal ? [] : following
    // What a dead run announced stays announced until it has been offered.
    const begun = next.length + this.#owed.length + this.#postponed.length > 0 ? { begun: this.#announce(next) } : {}
    await this.#context.ledger.advance(this.lane, { committed, ...begun })
    this.#context.stillness.gotOn()
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
      this.#context.stillness.gotOn()
    }
  }

  async #admit(batch: readonly Delivery[]): Promise<void> {
    await this.#writer.admit(this.#fresh(batch))
  }

  #announce(batch: readonly Delivery[]): NonNullable<LaneStep['begun']> {
    const offered = this.#fresh(batch).map(({ key, sha256, size, fingerprint }) => ({ key, sha256, size, fingerprint }))
    const announced = [...offered, ...this.#owed, ...this.#postponed]
    return { announced, position: this.#writer.position, at: this.#context.clock.now() }
  }

  /** Those that the writer has to store. */
  #fresh(batch: readonly Delivery[]): readonly Delivery['message'][] {
    return batch.filter((one) => !one.adopted(this.lane.target)).map(({ message }) => message)
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
    await Promise.all(leaving.map(async (delivery) => (this.#left ? delivery.recover() : delivery.release())))
  }

  /** After the loop: whatever was offered but not delivered is let go, and nobody waits for it any longer. */
  async #abandon(): Promise<void> {
    this.#working = false
    this.#queue.clear()
    await this.#release(this.#held).catch((error: unknown) => {
      if (!this.#fault) this.#stopped(error)
    })
    this.#wakeIdle()
  }

  #wakeIdle(): void {
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  /** Waits until a batch is due; empty when the lane closes. */
  async #nextBatch(): Promise<readonly Delivery[]> {
    this.#working = false
    while (!this.#closed && !this.#queue.ripe) {
      if (this.#queue.length === 0) this.#wakeIdle()
      await this.#wait()
    }
    if (this.#closed) return []
    this.#working = true
    this.#context.stillness.gotOn()
    return this.#queue.take()
  }

  /** Until somebody wakes the lane, or the first queued message is old enough. */
  async #wait(): Promise<void> {
    const over = new AbortController()
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    const { length, ageLeftMs } = this.#queue
    const aged = length > 0 ? [this.#context.clock.sleep(ageLeftMs, over.signal).catch(() => undefined)] : []
    await Promise.race([woken, ...aged])
    over.abort()
    this.#wake = undefined
  }
}
