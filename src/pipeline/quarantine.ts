import { createHash } from 'node:crypto'
import { asFault, Fault, type FaultCode, faults } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { MessageKey } from '../ports/message.js'
import type { Kept, QuarantineFolder } from '../ports/quarantine.js'
import type { Lane } from '../ports/target.js'
import { type Budget, inMemoryLimit } from './budget.js'
import { Delivery } from './delivery.js'
import { FetchedMessage, headerBlock, maxHeader } from './intake.js'
import type { LaneRun } from './lane.js'
import type { MessageFailure, Roster } from './roster.js'

export interface QuarantineContext {
  readonly account: string
  readonly folder: QuarantineFolder
  readonly ledger: Ledger
  readonly roster: Roster
  readonly budget: Budget
  readonly signal: AbortSignal
}

/** What the quarantine needs of a LaneBook. */
interface KeptLane {
  readonly lane: Lane
  readonly run: LaneRun | undefined
  /** Its ledger is being rebuilt: what stands at its target is known once that was looked through. */
  readonly adoption: { readonly surveyed: boolean } | undefined
  has(number: number): boolean
}

/** And of Lanes. */
interface AllLanes {
  wait<T>(until: Promise<T>): Promise<T>
  flush(): Promise<void>
}

/** False where the lane cannot take the message now. */
type Offer<Book> = (book: Book, delivery: Delivery) => Promise<boolean>

/** A message that waits for one lane. */
interface Waiting {
  readonly kept: Kept
  readonly file: string
  /** Why it is still here. */
  fault: Fault
  /** Its file cannot be used: it has to be fetched again. */
  damaged: boolean
  /** Refused in this run: the next one offers it again. */
  refused: boolean
}

/**
 * An account's messages that targets refused for good: their bytes are durable, so the source may forget them, and they
 * are offered again without a RETR until they are delivered after all (CONTRACT, guarantee 1). What lies there is written
 * before the commit that says so and removed after the commit that ends it; a kill in between leaves a file to sweep.
 */
export class Quarantine {
  readonly #context: QuarantineContext
  /** By target, then by message. */
  readonly #waiting = new Map<string, Map<MessageKey, Waiting>>()
  /** Files that are known to be whole, or are being written. */
  readonly #whole = new Map<string, Promise<void>>()
  /** Every file that this account has had during the run. */
  readonly #files = new Set<string>()
  /** Stored in this run, with their sizes. */
  readonly #delivered = new Map<MessageKey, number>()
  #origin = ''
  #fault: Fault | undefined

  constructor(context: QuarantineContext) {
    this.#context = context
  }

  /** Why a message could not be kept, or a file not be removed. */
  get fault(): Fault | undefined {
    return this.#fault
  }

  /** Takes up what earlier runs left. */
  async load(): Promise<void> {
    const { ledger, account } = this.#context
    for (const { target, origin, ...kept } of await ledger.kept(account)) {
      this.#origin = origin
      this.#hold(target, kept, { fault: recordedFault(kept), refused: false })
    }
  }

  /** The message is safe without this lane having it, and it need not be fetched for it. */
  holds({ target }: Lane, key: MessageKey): boolean {
    return this.#waiting.get(target)?.get(key)?.damaged === false
  }

  /** Makes a refused message durable; undefined where that failed, and the source must not forget it. */
  async keep(lane: Lane, { message, flags }: Delivery, fault: Fault): Promise<Kept | undefined> {
    const { key, sha256, size } = message
    const kept = { key, sha256, size, flags, code: fault.code, error: fault.message }
    try {
      const { origin } = await this.#context.ledger.load(lane)
      this.#origin = origin
      await this.#store(quarantineName(origin, kept), message)
      return kept
    } catch (error) {
      this.#fault ??= asFault(error)
      return undefined
    }
  }

  /** The ledger says now that the message is here. */
  kept({ target }: Lane, kept: Kept, fault: Fault): void {
    this.#hold(target, kept, { fault, refused: true })
  }

  /** The ledger has a receipt now. */
  delivered({ target }: Lane, { message, stored }: Delivery): void {
    const { key, size } = message
    if (this.#waiting.get(target)?.delete(key) === true && stored) this.#delivered.set(key, size)
  }

  /**
   * Offers to each lane what waits for it, as far as it takes it now: what a dead run announced comes first, and some of
   * that may have to be fetched; in a ledger that is being rebuilt, so does what the first listing is to look for.
   */
  async retry<Book extends KeptLane>(books: readonly Book[], lanes: AllLanes, offer: Offer<Book>): Promise<void> {
    for (const book of books) await this.#retry(book, lanes, async (delivery) => offer(book, delivery))
    await lanes.flush()
  }

  /** At the end: what became of the messages that were listed goes into the roster. */
  settle(books: readonly KeptLane[]): void {
    const { roster } = this.#context
    for (const [key, size] of this.#delivered) {
      const number = roster.numberOf(key)
      if (number !== undefined && books.every((book) => book.has(number))) roster.setCopied(number, size)
    }
    for (const { target, key, fault } of this.#failures()) {
      const number = roster.numberOf(key)
      if (number !== undefined) roster.setFailed(number, fault, target)
    }
  }

  /** What still waits and no listing of this run has shown. */
  unlisted(): readonly MessageFailure[] {
    return this.#failures().filter(({ key }) => this.#context.roster.numberOf(key) === undefined)
  }

  /** Removes the files that the ledger does not speak of any more. */
  async tidy(): Promise<void> {
    const { ledger, account, folder } = this.#context
    if (this.#files.size === 0) return
    try {
      const needed = new Set((await ledger.kept(account)).map((one) => quarantineName(one.origin, one)))
      for (const name of this.#files) if (!needed.has(name)) await folder.remove(name)
    } catch (error) {
      this.#fault ??= asFault(error)
    }
  }

  #failures(): readonly (MessageFailure & { readonly target: string })[] {
    return [...this.#waiting].flatMap(([target, messages]) =>
      [...messages].map(([key, { fault }]) => ({ key, own: key, target, fault })),
    )
  }

  #hold(target: string, kept: Kept, facts: Pick<Waiting, 'fault' | 'refused'>): void {
    const messages = this.#waiting.get(target) ?? new Map<MessageKey, Waiting>()
    const file = quarantineName(this.#origin, kept)
    this.#files.add(file)
    this.#waiting.set(target, messages.set(kept.key, { ...facts, kept, file, damaged: false }))
  }

  /** Lanes that refuse the same message share its file. */
  async #store(name: string, message: FetchedMessage): Promise<void> {
    this.#files.add(name)
    const storing = this.#whole.get(name) ?? this.#context.folder.put(name, message.open())
    this.#whole.set(name, storing)
    try {
      await storing
    } catch (error) {
      this.#whole.delete(name)
      throw error
    }
  }

  async #retry(book: KeptLane, lanes: AllLanes, offer: (delivery: Delivery) => Promise<boolean>): Promise<void> {
    const { budget, roster, signal } = this.#context
    const waiting = this.#waiting.get(book.lane.target) ?? new Map<MessageKey, Waiting>()
    for (const key of new Set([...(book.run?.owed ?? []), ...waiting.keys()])) {
      const one = waiting.get(key)
      if (!book.run || signal.aborted) return
      if (book.adoption?.surveyed === false && book.run.owed.length === 0) return
      if (!one || one.refused || one.damaged || (book.run.owed[0] ?? key) !== key) continue
      const charged = await this.#reserve(one, book, lanes)
      const message = await this.#read(one)
      if (!message) {
        budget.release(charged)
        continue
      }
      const delivery = new Delivery(roster.numberOf(key), message, one.kept.flags, { budget, charged })
      delivery.hold()
      await offer(delivery)
      await delivery.release()
    }
  }

  async #reserve({ kept }: Waiting, { run }: KeptLane, lanes: AllLanes): Promise<number> {
    const { budget } = this.#context
    const charged = budget.charge(kept.size)
    while (!budget.tryReserve(charged)) {
      const released = budget.released()
      run?.hurry()
      await lanes.wait(released)
    }
    return charged
  }

  /** The message as it was fetched; undefined, and nothing waits here any more, where its bytes are not what they were. */
  async #read(one: Waiting): Promise<FetchedMessage | undefined> {
    const { kept, file } = one
    const open = (): AsyncIterable<Uint8Array> => this.#context.folder.open(file)
    try {
      const message = await readBack(kept, open)
      if (message) {
        this.#whole.set(file, Promise.resolve())
        return message
      }
      one.fault = new Fault('quarantine-damaged', `the copy in quarantine/${file} is not what was fetched`)
    } catch (error) {
      const { message } = asFault(error)
      one.fault = new Fault('quarantine-damaged', message, { cause: error })
    }
    one.damaged = true
    return undefined
  }
}

/** Made of digests alone: what a server says never gets into a path. */
export function quarantineName(origin: string, { key, sha256 }: Pick<Kept, 'key' | 'sha256'>): string {
  const owner = createHash('sha256').update(`${origin}\0`).update(key, 'latin1').digest('hex')
  return `${owner.slice(0, 32)}-${sha256.slice(0, 32)}.eml`
}

async function readBack(kept: Kept, open: () => AsyncIterable<Uint8Array>): Promise<FetchedMessage | undefined> {
  const { key, size, sha256 } = kept
  const inMemory = size <= inMemoryLimit
  const hash = createHash('sha256')
  const held: Uint8Array[] = []
  let octets = 0
  for await (const chunk of open()) {
    if (octets < (inMemory ? size : maxHeader)) held.push(chunk)
    octets += chunk.length
    if (octets > size) return undefined
    hash.update(chunk)
  }
  if (octets !== size || hash.digest('hex') !== sha256) return undefined
  const start = Buffer.concat(held)
  const facts = { key, size, sha256 }
  if (inMemory) return new FetchedMessage({ ...facts, header: headerBlock(start), bytes: start }, undefined)
  // The file stays until the ledger does not speak of it any more.
  const file = { open, remove: async () => undefined }
  return new FetchedMessage({ ...facts, header: Buffer.from(headerBlock(start)), bytes: undefined }, file)
}

/** What an earlier run recorded; a code may be that of a later version. */
function recordedFault({ code, error }: Kept): Fault {
  return new Fault(Object.hasOwn(faults, code) ? (code as FaultCode) : 'too-big', error)
}
