import type { Ledger } from '../ports/ledger.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Lane, OwnCopy, Receipt, Target } from '../ports/target.js'
import { CopyPool } from './copy-pool.js'
import { fingerprint } from './fingerprint.js'
import { headerBlock } from './intake.js'
import type { LaneRun } from './lane.js'
import { neighbourhood } from './neighbours.js'

export interface AdoptionContext {
  readonly ledger: Ledger
  /** What popferry wrote beside a copy may settle whose it is. */
  readonly byName: boolean
  readonly signal: AbortSignal
}

/**
 * What is looked for, by key, with the octets that the server lists for it: copies that are named for it need no RETR. What
 * is found is taken out.
 */
export type Sought = Map<MessageKey, number>

/**
 * The ledger of one lane, rebuilt from what stands at its place (`run --adopt`). What has a receipt is left out. A copy that
 * popferry named for a listed message is entered without fetching it, if its bytes are those that were stored and are as
 * many as the server lists. Any other copy is taken by the first fetched message whose digest it has. What nobody takes
 * stays as it is, and is nobody's.
 */
export class Adoption {
  readonly #lane: Lane
  readonly #target: Target
  readonly #context: AdoptionContext
  #pool: CopyPool | undefined
  /** Taken, and not in the ledger yet: a lane that stops and opens again asks once more. */
  readonly #given = new Map<MessageKey, Receipt>()
  #entered = 0

  constructor(lane: Lane, target: Target, context: AdoptionContext) {
    this.#lane = lane
    this.#target = target
    this.#context = context
  }

  /** The place was looked through. */
  get surveyed(): boolean {
    return this.#pool !== undefined
  }

  /** Messages whose copies are in the ledger now. */
  get entered(): number {
    return this.#entered
  }

  /** Copies that nobody has taken. */
  get left(): number {
    return this.#pool?.left ?? 0
  }

  /** A message that has no receipt yet may stand there. */
  get mayFind(): boolean {
    return !this.surveyed || this.left + this.#given.size > 0
  }

  /**
   * Looks through the place, once everything that a dead run announced is settled; tells which messages are in the ledger by
   * now. When the signal is aborted, nothing was surveyed.
   */
  async survey(run: LaneRun, sought: Sought, enter: (keys: readonly MessageKey[]) => void): Promise<void> {
    await run.flush()
    if (!run.open) return
    const { ledger, signal, byName } = this.#context
    if (!byName) sought.clear()
    let found: Receipt[] = []
    const record = async (): Promise<void> => {
      await run.record(found)
      this.#entered += found.length
      enter(found.map(({ key }) => key))
      found = []
    }
    const pool = new CopyPool()
    const accounted = { receipts: this.#accounted(), wants: () => true, keys: sought }
    for await (const { where, digests, own } of this.#target.others(
      this.#lane,
      await ledger.load(this.#lane),
      accounted,
    )) {
      if (signal.aborted) return
      if (own && sought.get(own.key) === own.size) {
        sought.delete(own.key)
        found.push(receiptOf(own, where))
      } else pool.add(where, digests)
      if (found.length >= pageSize) await record()
    }
    await record()
    pool.freeze()
    // What may be the copy of a message that a dead run announced and that is not to be had now, waits for that.
    for (const { sha256 } of run.unresolved) pool.dropLast(sha256)
    this.#pool = pool
  }

  /** The receipt for a copy of the message, if one stands there that nobody else has taken. */
  async find(message: Message): Promise<Receipt | undefined> {
    const { key, sha256 } = message
    const given = this.#given.get(key)
    if (given?.sha256 === sha256) return given
    if (!this.#pool || this.#pool.left === 0) return undefined
    for (const { digest, receipt } of (await this.#target.forms?.(message)) ?? []) {
      const where = this.#pool.take(digest)
      if (where === undefined) continue
      const found = receipt(where)
      this.#given.set(key, found)
      return found
    }
    return undefined
  }

  /** The receipt is in the ledger. */
  settle(key: MessageKey): void {
    if (this.#given.delete(key)) this.#entered++
  }

  /** Of this lane and of the others at the place. */
  async *#accounted(): AsyncIterable<Receipt> {
    const { ledger } = this.#context
    yield* ledger.receipts(this.#lane)
    yield* neighbourhood(this.#lane, this.#target.place, ledger).receipts()
  }
}

/** Receipts that are entered in one transaction. */
const pageSize = 1000

function receiptOf({ key, sha256, size, date, head }: OwnCopy, where: string): Receipt {
  const header = headerBlock(Buffer.from(head.buffer, head.byteOffset, head.length))
  return { key, sha256, size, where, flags: [], date, fingerprint: fingerprint(header), listed: size }
}
