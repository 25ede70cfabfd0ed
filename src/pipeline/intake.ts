import { createHash, type Hash } from 'node:crypto'
import type { Entry, Message, MessageKey } from '../ports/message.js'
import type { Incoming, Intake } from '../ports/source.js'
import type { Spool, SpoolFile } from '../ports/spool.js'
import { inMemoryLimit } from './budget.js'
import type { Bandwidth } from './bandwidth.js'
import { fingerprint } from './fingerprint.js'

/** Collects arriving messages in memory, or in the spool once they pass 1 MiB, and takes their digest. */
export class MessageIntake implements Intake {
  readonly #spool: Spool
  readonly #bandwidth: Bandwidth | undefined

  constructor(spool: Spool, bandwidth: Bandwidth | undefined) {
    this.#spool = spool
    this.#bandwidth = bandwidth
  }

  begin(entry: Entry): Incoming {
    return new Arrival(entry, this.#spool, this.#bandwidth)
  }

  /** The same message without its bytes in memory. */
  async park(message: FetchedMessage): Promise<FetchedMessage> {
    if (!message.bytes) return message
    const file = this.#spool.create()
    try {
      await file.write(message.bytes)
    } catch (error) {
      await file.remove()
      throw error
    }
    return message.movedTo(file)
  }
}

/** A fetched message; its spool file, if any, lives until `remove`. */
export class FetchedMessage implements Message {
  readonly key: MessageKey
  readonly size: number
  readonly sha256: string
  readonly header: Uint8Array
  readonly bytes: Uint8Array | undefined
  /** Octets as the server listed them; 0: unknown. */
  readonly listed: number
  readonly #file: StoredFile | undefined
  #fingerprint: string | undefined

  constructor(facts: Omit<Message, 'open'> & { readonly listed?: number }, file: StoredFile | undefined) {
    this.key = facts.key
    this.listed = facts.listed ?? 0
    this.size = facts.size
    this.sha256 = facts.sha256
    this.header = facts.header
    this.bytes = facts.bytes
    this.#file = file
  }

  /** Of the header. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprint(this.header))
  }

  /** The same message, which turned out to have another key than it was asked for with. */
  as(key = this.key): FetchedMessage {
    if (key === this.key) return this
    const { size, sha256, header, bytes, listed } = this
    return new FetchedMessage({ key, size, sha256, header, bytes, listed }, this.#file)
  }

  async *open(): AsyncIterable<Uint8Array> {
    if (this.#file) yield* this.#file.open()
    else if (this.bytes) yield this.bytes
  }

  /** The same message, its bytes in this file. */
  movedTo(file: SpoolFile): FetchedMessage {
    const { key, size, sha256, header, listed } = this
    return new FetchedMessage({ key, size, sha256, header: Buffer.from(header), bytes: undefined, listed }, file)
  }

  /** Forgets the spooled bytes; memory goes with the object. */
  async remove(): Promise<void> {
    await this.#file?.remove()
  }
}

/** Where the bytes are that memory does not hold. */
type StoredFile = Pick<SpoolFile, 'open' | 'remove'>

class Arrival implements Incoming {
  readonly #key: MessageKey
  readonly #spool: Spool
  readonly #bandwidth: Bandwidth | undefined
  readonly #listed: number
  #buffer: Buffer = nothing
  #held = 0
  #size = 0
  #spilled: { readonly file: SpoolFile; readonly hash: Hash; readonly header: Uint8Array } | undefined
  /** Of a message in the spool, what is not written yet: a dot at the start of a line makes two pieces of what came in one. */
  #gathered: Buffer = nothing
  #gatheredOctets = 0

  constructor(entry: Entry, spool: Spool, bandwidth: Bandwidth | undefined) {
    this.#key = entry.key
    this.#spool = spool
    this.#bandwidth = bandwidth
    this.#listed = entry.size
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#size += bytes.length
    const paced = this.#bandwidth?.take(bytes.length)
    if (this.#spilled || this.#size > inMemoryLimit) {
      const stored = this.#spilled && this.#gathers(bytes) ? undefined : this.#spill(bytes)
      return paced && stored ? both(stored, paced) : (stored ?? paced)
    }
    this.#hold(bytes)
    return paced
  }

  async finish(): Promise<Message> {
    const facts = { key: this.#key, size: this.#size, listed: this.#listed }
    if (this.#spilled) {
      await this.#writeGathered(this.#spilled.file)
      const { file, hash, header } = this.#spilled
      return new FetchedMessage({ ...facts, sha256: hash.digest('hex'), header, bytes: undefined }, file)
    }
    const held = this.#held === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#held)
    const bytes = this.#held * mostWaste < held.buffer.byteLength ? Buffer.from(held) : held
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return new FetchedMessage({ ...facts, sha256, header: headerBlock(bytes), bytes }, undefined)
  }

  async discard(): Promise<void> {
    await this.#spilled?.file.remove()
  }

  #hold(bytes: Uint8Array): void {
    if (this.#held === 0) {
      // Most messages come in one piece: no copy of it.
      this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    } else {
      if (this.#size > this.#buffer.length) this.#grow()
      this.#buffer.set(bytes, this.#held)
    }
    this.#held = this.#size
  }

  /** The listed size plus a final CRLF that the server may add (QUIRKS RET-10) is enough for most. */
  #grow(): void {
    const enough = Math.max(this.#size, Math.min(this.#listed + 2, inMemoryLimit))
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(enough, this.#buffer.length * 2), inMemoryLimit))
    this.#buffer.copy(larger, 0, 0, this.#held)
    this.#buffer = larger
  }

  async #spill(bytes: Uint8Array): Promise<void> {
    if (!this.#spilled) {
      const held = this.#buffer.subarray(0, this.#held)
      const start = Buffer.concat([held, bytes.subarray(0, Math.max(0, maxHeader - held.length))])
      const header = Buffer.from(headerBlock(start))
      this.#spilled = { file: this.#spool.create(), hash: createHash('sha256').update(held), header }
      this.#buffer = nothing
      await this.#spilled.file.write(held)
    }
    this.#spilled.hash.update(bytes)
    await this.#writeGathered(this.#spilled.file)
    if (bytes.length < gatheredAtOnce) this.#gather(bytes)
    else await this.#spilled.file.write(bytes)
  }

  /** A small piece goes to the others, where there is room; a call of the system for each would take minutes for some messages. */
  #gathers(bytes: Uint8Array): boolean {
    if (!this.#spilled || this.#gatheredOctets + bytes.length > gatheredAtOnce) return false
    this.#spilled.hash.update(bytes)
    this.#gather(bytes)
    return true
  }

  #gather(bytes: Uint8Array): void {
    if (this.#gathered.length === 0) this.#gathered = Buffer.allocUnsafeSlow(gatheredAtOnce)
    this.#gathered.set(bytes, this.#gatheredOctets)
    this.#gatheredOctets += bytes.length
  }

  async #writeGathered(file: SpoolFile): Promise<void> {
    if (this.#gatheredOctets === 0) return
    await file.write(this.#gathered.subarray(0, this.#gatheredOctets))
    this.#gatheredOctets = 0
  }
}

export const maxHeader = 256 * 1024
const gatheredAtOnce = 64 * 1024
const nothing = Buffer.alloc(0)

/** A small message must not keep a large buffer, be it the network's or one for a size that was not true. */
const mostWaste = 8

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  const [first, second] = await Promise.allSettled([one, other])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
}

/** Everything up to and with the first blank line, whatever the line ends; at most 256 KiB. */
export function headerBlock(bytes: Buffer): Uint8Array {
  if (bytes[0] === lf) return bytes.subarray(0, 1)
  if (bytes[0] === cr && bytes[1] === lf) return bytes.subarray(0, 2)
  const start = bytes.length > maxHeader ? bytes.subarray(0, maxHeader) : bytes
  for (let end = start.indexOf(lf); end >= 0; end = start.indexOf(lf, end + 1)) {
    if (start[end + 1] === lf) return start.subarray(0, end + 2)
    if (start[end + 1] === cr && start[end + 2] === lf) return start.subarray(0, end + 3)
  }
  return start
}

const cr = 0x0d
const lf = 0x0a
