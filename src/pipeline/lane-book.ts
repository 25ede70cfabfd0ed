import type { Clock } from '../ports/clock.js'
import type { Emit, Event } from '../ports/event.js'
import { asFault, Fault } from '../ports/fault.js'
import type { Delivered, Ledger } from '../ports/ledger.js'
import type { MessageKey } from '../ports/message.js'
import type { Kept } from '../ports/quarantine.js'
import type { Lane, Progress, ReadBack, Receipt, Target } from '../ports/target.js'
import type { AccountTarget } from './account-job.js'
import type { Adoption } from './adoption.js'
import type { Delivery } from './delivery.js'
import { isAnonymous } from './keys.js'
import { LaneRun } from './lane.js'
import type { LaneObserver, OpeningContext } from './lane-context.js'
import type { Quarantine } from './quarantine.js'
import { Marks, type MessageFailure, type Roster } from './roster.js'
import { Stillness } from './stillness.js'

/** What an account knows of one of its lanes through the whole run, while the lane itself may stop and reopen. */
export class LaneBook implements LaneObserver {
  readonly lane: Lane
  /** Its names in the ledger. */
  readonly recorded: Lane
  readonly target: Target
  readonly stillness: Stillness
  /** In this run, that its quota leaves too little room. */
  warnedOfRoom = false
  readonly #roster: Roster
  readonly #quarantine: Quarantine
  readonly #emit: Emit
  /** Told of each delivery, so that the account can see when a message has reached its last target. */
  readonly #onDelivered: (delivery: Delivery) => void
  readonly #delivered = new Marks()
  readonly #refused = new Marks()
  /** Known when the lane has finished: found missing at the target, and not delivered again. */
  readonly #lost = new Set<MessageKey>()
  #run: LaneRun | undefined
  #left: LaneRun | undefined
  /** From one session into the next where the target is slow to end its last batch, or to open. */
  #opening: Promise<LaneRun | undefined> | undefined
  #fault: Fault | undefined
  #adoption: Adoption | undefined
  /** Its target hangs: nobody waits for it any more in this run. */
  #given = false
  #finished = false
  #receipts = 0
  /** Nothing is known of it before the first pairing, as in an empty maildrop. */
  #knowsUnlisted = true

  constructor(account: string, { name, target, recorded }: AccountTarget, side: AccountSide) {
    this.lane = { account, target: name }
    this.recorded = recorded ?? this.lane
    this.target = target
    this.stillness = new Stillness(side.clock)
    this.#roster = side.roster
    this.#quarantine = side.quarantine
    this.#emit = side.emit
    this.#onDelivered = side.onDelivered
  }

  /** Why the lane takes nothing at present. */
  get fault(): Fault | undefined {
    return this.#fault
  }

  /** Receipts committed in this run. */
  get receipts(): number {
    return this.#receipts
  }

  /** False where the lane has stopped for a reason that will not pass within this run. */
  get alive(): boolean {
    return this.#fault?.transient !== false && this.#fault?.code !== 'held' && !this.#given
  }

  /** Its target hangs: whoever asks it for anything waits for ever. */
  get given(): boolean {
    return this.#given
  }

  /** It is at what it had in hand when it was left behind, or has been opening since an earlier session. */
  get busy(): boolean {
    return this.#opening !== undefined || this.#left?.working === true
  }

  get run(): LaneRun | undefined {
    return this.#run?.open ? this.#run : undefined
  }

  /** It may have messages that no listing of this run has shown. */
  get knowsUnlisted(): boolean {
    return this.#knowsUnlisted
  }

  get adoption(): Adoption | undefined {
    return this.#adoption
  }

  /** Before it opens: the lane's ledger is rebuilt from what stands at the target. */
  adopt(adoption: Adoption): void {
    this.#adoption = adoption
  }

  has(number: number): boolean {
    return this.#delivered.has(number)
  }

  /** It has to be fetched for this lane. */
  lacks(number: number): boolean {
    return !this.safe(number) && !this.#refused.has(number)
  }

  /** This lane loses nothing if the server forgets the message. */
  safe(number: number): boolean {
    if (this.has(number)) return true
    const key = this.#roster.keyOf(number)
    return key !== undefined && this.keeps(key)
  }

  /** The message waits in quarantine for this lane. */
  keeps(key: MessageKey): boolean {
    return this.#quarantine.holds(this.lane, key)
  }

  /** What is missing at the target and no listing of this run has shown. */
  unlisted(): readonly MessageFailure[] {
    const { target } = this.lane
    return [...this.#lost]
      .filter((key) => this.#roster.numberOf(key) === undefined)
      .map((key) => {
        const fault = new Fault(
          'not-at-source',
          'it is missing at the target, and the server does not list it any more',
        )
        return { key, own: key, target, fault }
      })
  }

  /** Opens the lane, or opens it again after a reason that has passed; `enough` resolves where it takes too long. */
  async open(context: OpeningContext, enough: () => Promise<Fault>): Promise<void> {
    if (this.run !== undefined || !this.alive) return
    this.#opening ??= this.#reopen(context)
    const opened = await Promise.race([this.#opening, enough()])
    if (opened instanceof Fault) {
      if (opened !== this.#fault) this.stopped(opened)
      return
    }
    this.#opening = undefined
    if (opened) this.#fault = undefined
    this.#run = opened
  }

  async #reopen(context: OpeningContext): Promise<LaneRun | undefined> {
    try {
      await this.close()
      // How the last batch has ended in the meantime may forbid it.
      if (!this.alive) return undefined
      return await LaneRun.open(this.lane, this.target, {
        ...context,
        observer: this,
        stillness: this.stillness,
        adopting: this.#adoption !== undefined,
      })
    } catch (error) {
      this.stopped(asFault(error))
      return undefined
    }
  }

  /** It holds the others up: they go on without it. */
  leaveBehind(fault: Fault): void {
    this.#left = this.#run
    this.#run?.leave(fault)
  }

  /** It is not waited for in this run any more. */
  giveUp(): void {
    this.#given = true
  }

  /** The lane's end in this run; `enough` resolves where it takes too long. */
  async finish(ledger: Ledger, enough: () => Promise<Fault>): Promise<void> {
    const closing = this.#close()
    const fault = this.#given ? undefined : await Promise.race([closing, enough()])
    if (fault) this.stopped(fault)
    closing.catch(() => undefined)
    this.#finished = true
    for await (const { key } of ledger.lost(this.recorded)) this.#lost.add(key)
  }

  async close(): Promise<void> {
    const run = this.#run
    this.#run = undefined
    await run?.close()
  }

  async #close(): Promise<undefined> {
    const opening = this.#opening
    await this.close()
    await (await opening)?.close()
  }

  /** Marks what the ledger has receipts for among the messages of the roster; shows each receipt to `look`. */
  async pair(ledger: Ledger, look: (receipt: Delivered, number: number | undefined) => void): Promise<void> {
    this.#knowsUnlisted = false
    for await (const receipts of ledger.delivered(this.recorded)) {
      for (const receipt of receipts) {
        look(receipt, this.#enter(receipt.key))
      }
    }
  }

  /** Copies of these were found at the target, and the ledger says so. */
  enter(keys: readonly MessageKey[]): void {
    for (const key of keys) this.#enter(key)
  }

  #enter(key: MessageKey): number | undefined {
    const number = this.#roster.numberOf(key)
    if (number === undefined) this.#knowsUnlisted = true
    else this.#delivered.set(number)
    return number
  }

  /** Only the message's bytes can tell whether the lane has it. */
  doubt(number: number): void {
    this.#delivered.clear(number)
  }

  /** The message was recognised; these lanes have it. */
  recognise(number: number, targets: readonly string[]): void {
    if (targets.includes(this.recorded.target)) this.#delivered.set(number)
  }

  /** Reads its receipts' messages back, in their order. */
  readBack(progress: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    return this.target.read(this.lane, progress, receipts)
  }

  delivered(delivery: Delivery, receipt: Receipt): void {
    if (delivery.number !== undefined) this.#delivered.set(delivery.number)
    else this.#knowsUnlisted = true
    if (delivery.adopted(this.lane.target)) this.#adoption?.settle(receipt.key)
    else delivery.stored = true
    this.#quarantine.delivered(this.lane, delivery)
    this.#receipts++
    const key = this.#listedAs(delivery) ?? receipt.key
    for (const flag of new Set([...delivery.flags, ...receipt.flags])) {
      this.#tell({ type: 'message.flagged', account: this.lane.account, key, flag })
    }
    this.#onDelivered(delivery)
  }

  /** The key under which people see the message. */
  #listedAs({ number }: Delivery): MessageKey | undefined {
    if (number === undefined) return undefined
    const { key } = this.#roster.entry(number)
    return isAnonymous(key) ? undefined : key
  }

  async keep(delivery: Delivery, fault: Fault): Promise<Kept | undefined> {
    return this.#quarantine.keep(this.lane, delivery, fault)
  }

  refused({ number }: Delivery, fault: Fault, kept: Kept | undefined): void {
    if (kept) this.#quarantine.kept(this.lane, kept, fault)
    if (number !== undefined) this.refuse(number, fault)
  }

  /** The target does not take it in this run: it is not fetched for this lane. */
  refuse(number: number, fault: Fault): void {
    this.#refused.set(number)
    this.#roster.setFailed(number, fault, this.lane.target)
  }

  checkpoint(messages: number): void {
    const { copied, copiedBytes } = this.#roster
    this.#tell({ type: 'checkpoint', ...this.lane, messages, copied, bytes: copiedBytes })
  }

  stopped(fault: Fault): void {
    if (this.#finished) return
    this.#fault = fault
    this.#tell({ type: 'target.stopped', ...this.lane, fault })
  }

  /** What comes to its end later belongs to no run: the ledger knows of it. */
  #tell(event: Event): void {
    if (!this.#finished) this.#emit(event)
  }
}

export interface AccountSide {
  readonly roster: Roster
  readonly quarantine: Quarantine
  readonly clock: Clock
  readonly emit: Emit
  readonly onDelivered: (delivery: Delivery) => void
}
