import type { Ledger } from '../ports/ledger.js'
import type { Lane, OtherCopy, Progress, Receipt, Target } from '../ports/target.js'
import type { Finding } from '../ports/verification.js'
import { Sizes } from './sizes.js'

export interface InspectedLane {
  /** Under its names in the ledger. */
  readonly lane: Lane
  readonly target: Target
  /** The other lanes that the ledger knows at the same place: their messages are nobody's copies. */
  readonly neighbours: readonly Lane[]
}

export interface InspectionContext {
  readonly ledger: Ledger
  /** Aborted: ends with the message in hand. */
  readonly signal: AbortSignal
  /** A message was read back. */
  readonly read: (size: number) => void
  readonly found: (finding: Finding) => void
  /** What the ledger should say instead. */
  readonly amend?: { lost(receipt: Receipt): void; stands(receipt: Receipt): void }
}

/**
 * Reads every message of a lane back, and looks among what else stands at the place for those that are not where they were
 * put, and for copies too many. It goes through the receipts several times and remembers a few numbers for each, so that
 * half a million messages fit, whatever is wrong with them.
 */
export class Inspection {
  readonly #inspected: InspectedLane
  readonly #context: InspectionContext
  /** By the receipts' order. */
  readonly #states = new States()
  /** Everything that the lane's messages are known by. */
  readonly #known = new Set<number>()
  readonly #sizes = new Sizes()
  /** How many that are not in their place are known by this number, and how many such stand elsewhere. */
  readonly #sought = new Map<number, number>()
  readonly #moved = new Map<number, number>()
  /** Where; only for whoever corrects the records. */
  readonly #places = new Map<number, string[]>()
  /** Where altered messages stand, unless what stands there now turns out to be another one. */
  readonly #altered = new Set<string>()
  /** Copies too many. */
  readonly #copies = new Map<number, string>()
  checked = 0
  /** Octets of what is intact. */
  bytes = 0

  constructor(inspected: InspectedLane, context: InspectionContext) {
    this.#inspected = inspected
    this.#context = context
  }

  async run(): Promise<void> {
    const progress = await this.#context.ledger.load(this.#inspected.lane)
    await this.#readBack(progress)
    if (this.checked === 0) return
    if (!this.#stopping) await this.#lookAround(progress)
    if (!this.#stopping) await this.#tell(progress)
  }

  get #stopping(): boolean {
    return this.#context.signal.aborted
  }

  async #readBack(progress: Progress): Promise<void> {
    const { lane, target } = this.#inspected
    // Asked for and not answered yet.
    const asked: Receipt[] = []
    for await (const { state } of target.read(lane, progress, this.#noting(asked))) {
      const receipt = asked.shift()
      if (!receipt) throw new TypeError('a target told of a message that it was not asked for')
      this.#note(receipt, state === 'staged' ? 'intact' : state)
      this.#context.read(receipt.size)
      if (this.#stopping) return
    }
  }

  async *#noting(asked: Receipt[]): AsyncIterable<Receipt> {
    for await (const { receipt } of this.#recorded()) {
      asked.push(receipt)
      yield receipt
    }
  }

  /** What the lane had receipts for, also where it was found missing before; always in one order. */
  async *#recorded(): AsyncIterable<{ readonly receipt: Receipt; readonly lost: boolean }> {
    const { ledger } = this.#context
    const { lane } = this.#inspected
    for await (const receipt of ledger.receipts(lane)) yield { receipt, lost: false }
    for await (const receipt of ledger.lost(lane)) yield { receipt, lost: true }
  }

  #note(receipt: Receipt, state: State): void {
    const number = this.#numberOf(receipt)
    this.#known.add(number)
    this.#sizes.add(receipt.size)
    this.#states.set(this.checked++, state)
    if (state === 'intact') this.bytes += receipt.size
    else this.#sought.set(number, (this.#sought.get(number) ?? 0) + 1)
    const start = state === 'altered' ? this.#inspected.target.trace?.(receipt).start : undefined
    if (start !== undefined) this.#altered.add(start)
  }

  async #lookAround(progress: Progress): Promise<void> {
    const { lane, target } = this.#inspected
    // What a dead run left without a receipt is no copy too many: the next run takes it.
    const announced = new Map<number, number>()
    for (const { sha256 } of progress.announced) {
      announced.set(shortened(sha256), (announced.get(shortened(sha256)) ?? 0) + 1)
    }
    const accounted = { receipts: this.#accounted(), wants: this.#sizes.freeze() }
    for await (const copy of target.others(lane, progress, accounted)) {
      this.#judge(copy, announced)
      if (this.#stopping) return
    }
  }

  #judge({ where, seen, digests, start }: OtherCopy, announced: Map<number, number>): void {
    const numbers = digests.map(shortened)
    const number = numbers.find((one) => this.#sought.has(one)) ?? numbers.find((one) => this.#known.has(one))
    if (number === undefined) return
    if (start !== undefined) this.#altered.delete(start)
    if (takeOne(this.#sought, number)) {
      this.#moved.set(number, (this.#moved.get(number) ?? 0) + 1)
      if (!this.#context.amend) return
      const places = this.#places.get(number) ?? []
      this.#places.set(number, places)
      places.push(where)
    } else if (!takeOne(announced, number)) this.#copies.set(number, seen)
  }

  /** Of this lane, what stands where it should, and whatever is newer than that; of others everything. */
  async *#accounted(): AsyncIterable<Receipt> {
    const { ledger } = this.#context
    const { neighbours } = this.#inspected
    let index = 0
    for await (const { receipt } of this.#recorded()) {
      if (index >= this.checked || this.#states.get(index) === 'intact') yield receipt
      index++
    }
    for (const neighbour of neighbours) yield* ledger.receipts(neighbour)
  }

  async #tell(progress: Progress): Promise<void> {
    const announced = new Set(progress.announced.map(({ key }) => key))
    let index = 0
    for await (const { receipt, lost } of this.#recorded()) {
      if (this.#stopping || index >= this.checked) return
      const { key } = receipt
      const number = this.#numberOf(receipt)
      const state = this.#states.get(index++)
      const moved = state !== 'intact' && takeOne(this.#moved, number)
      const where = moved ? (this.#places.get(number)?.pop() ?? '') : receipt.where
      if (state !== 'intact' && !moved) this.#tellDefect(receipt, state, lost)
      else {
        if (state !== 'intact') this.bytes += receipt.size
        // A copy that a dead run has begun to make is for a writer to take.
        if (lost || state !== 'intact') this.#amend(receipt, { where, lost, begun: announced.has(key) })
      }
      // Of twins the first one answers for a copy too many.
      const seen = this.#copies.get(number)
      if (seen === undefined) continue
      this.#copies.delete(number)
      this.#context.found({ key, defect: 'duplicated', seen })
    }
  }

  #tellDefect(receipt: Receipt, state: State, lost: boolean): void {
    const start = this.#inspected.target.trace?.(receipt).start
    const removed = lost || state === 'missing' || (start !== undefined && !this.#altered.has(start))
    this.#context.found({ key: receipt.key, defect: removed ? 'missing' : 'altered' })
    if (removed && !lost) this.#context.amend?.lost(receipt)
  }

  #amend(receipt: Receipt, { where, lost, begun }: { where: string; lost: boolean; begun: boolean }): void {
    if (!begun) this.#context.amend?.stands({ ...receipt, where })
    else if (!lost) this.#context.amend?.lost(receipt)
  }

  #numberOf(receipt: Receipt): number {
    const { digest } = this.#inspected.target.trace?.(receipt) ?? {}
    return shortened(digest ?? receipt.stored ?? receipt.sha256)
  }
}

type State = 'intact' | 'missing' | 'altered'
const states = ['intact', 'missing', 'altered'] as const

/** An octet for each message. */
class States {
  #bytes = new Uint8Array(1024)

  get(index: number): State {
    return states[this.#bytes[index] ?? 0] ?? 'intact'
  }

  set(index: number, state: State): void {
    if (index >= this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[index] = states.indexOf(state)
  }
}

function takeOne(counts: Map<number, number>, number: number): boolean {
  const left = counts.get(number) ?? 0
  if (left === 0) return false
  if (left === 1) counts.delete(number)
  else counts.set(number, left - 1)
  return true
}

/** 52 bits of a digest: exact as a number, and enough to tell the messages of a lane. */
function shortened(digest: string): number {
  return Number.parseInt(digest.slice(0, 13), 16)
}
