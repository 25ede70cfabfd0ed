import { createHash, type Hash } from 'node:crypto'
import type { Entry, Message, MessageKey } from '../ports/message.js'
import type { Incoming, Intake } from '../ports/source.js'
import type { Spool, SpoolFile } from '../ports/spool.js'
import { inMemoryLimit } from './budget.js'
import type { Bandwidth } from './bandwidth.js'

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
}

/** A fetched message; its spool file, if any, lives until `remove`. */
export class FetchedMessage implements Message {
  readonly key: MessageKey
  readonly size: number
  readonly sha256: string
  readonly header: Uint8Array
  readonly bytes: Uint8Array | undefined
  readonly #file: SpoolFile | undefined

  constructor(facts: Omit<Message, 'open'>, file: SpoolFile | undefined) {
    this.key = facts.key
    this.size = facts.size
    this.sha256 = facts.sha256
    this.header = facts.header
    this.bytes = facts.bytes
    this.#file = file
  }

  async *open(): AsyncIterable<Uint8Array> {
    if (this.#file) yield* this.#file.open()
    else if (this.bytes) yield this.bytes
  }

  /** Forgets the spooled bytes; memory goes with the object. */
  async remove(): Promise<void> {
    await this.#file?.remove()
  }
}

class Arrival implements Incoming {
  readonly #key: MessageKey
  readonly #spool: Spool
  readonly #bandwidth: Bandwidth | undefined
  #buffer: Buffer
  #held = 0
  #size = 0
  #spilled: { readonly file: SpoolFile; readonly hash: Hash; readonly header: Uint8Array } | undefined

  constructor(entry: Entry, spool: Spool, bandwidth: Bandwidth | undefined) {
    this.#key = entry.key
    this.#spool = spool
    this.#bandwidth = bandwidth
    // The listed size plus a final CRLF that the server may add (QUIRKS RET-10): most messages never grow their buffer.
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(Math.max(entry.size + 2, 512), inMemoryLimit))
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#size += bytes.length
    const paced = this.#bandwidth?.take(bytes.length)
    if (this.#spilled || this.#size > inMemoryLimit) {
      const stored = this.#spill(bytes)
      return paced ? both(stored, paced) : stored
    }
    this.#hold(bytes)
    return paced
  }

  async finish(): Promise<Message> {
    const facts = { key: this.#key, size: this.#size }
    if (this.#spilled) {
      const { file, hash, header } = this.#spilled
      return new FetchedMessage({ ...facts, sha256: hash.digest('hex'), header, bytes: undefined }, file)
    }
    const held = this.#buffer.subarray(0, this.#held)
    // A listing that promised far too much must not keep that much memory.
    const bytes = this.#held * 2 < this.#buffer.length ? Buffer.from(held) : held
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return new FetchedMessage({ ...facts, sha256, header: headerBlock(bytes), bytes }, undefined)
  }

  async discard(): Promise<void> {
    await this.#spilled?.file.remove()
  }

  #hold(bytes: Uint8Array): void {
    if (this.#size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(this.#size, this.#buffer.length * 2), inMemoryLimit))
      this.#buffer.copy(larger, 0, 0, this.#held)
      this.#buffer = larger
    }
    this.#buffer.set(bytes, this.#held)
    this.#held = this.#size
  }

  async #spill(bytes: Uint8Array): Promise<void> {
    if (!this.#spilled) {
      const held = this.#buffer.subarray(0, this.#held)
      const start = Buffer.concat([held, bytes.subarray(0, Math.max(0, maxHeader - held.length))])
      const header = Buffer.from(headerBlock(start))
      this.#spilled = { file: this.#spool.create(), hash: createHash('sha256').update(held), header }
      this.#buffer = Buffer.alloc(0)
      await this.#spilled.file.write(held)
    }
    this.#spilled.hash.update(bytes)
    await this.#spilled.file.write(bytes)
  }
}

const maxHeader = 256 * 1024

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  const [first, second] = await Promise.allSettled([one, other])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
}

/** Everything up to and with the first blank line, whatever the line ends; at most 256 KiB. */
function headerBlock(bytes: Buffer): Uint8Array {
  const start = bytes.subarray(0, maxHeader)
  if (start[0] === lf) return start.subarray(0, 1)
  if (start[0] === cr && start[1] === lf) return start.subarray(0, 2)
  const crlf = start.indexOf('\n\r\n')
  const bare = start.subarray(0, crlf < 0 ? undefined : crlf).indexOf('\n\n')
  if (bare >= 0) return start.subarray(0, bare + 2)
  return crlf < 0 ? start : start.subarray(0, crlf + 3)
}

const cr = 0x0d
const lf = 0x0a
