import type { FileHandle } from 'node:fs/promises'
import type { MboxForm } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { Flag } from '../ports/message.js'
import type { Announced } from '../ports/target.js'
import type { Encoding } from './mbox-encoding.js'
import { extent, type Reading, readings } from './mbox-scan.js'

export interface CompleteFinding {
  readonly kind: 'complete'
  readonly offset: number
  readonly length: number
  readonly earlier?: Earlier
}

/** The copy is of the bytes that the server sent then; now it sends others under the same key (QUIRKS RET-23). */
interface Earlier extends Pick<Announced, 'sha256' | 'size'> {
  readonly flags: readonly Flag[]
}

/** How an mbox is looked through. */
export interface Looking {
  readonly form: MboxForm
  readonly gotOn: (() => void) | undefined
}

/** Compares what stands in an mbox with what a message would look like there, or with a digest. */
export class MboxCopies {
  readonly path: string
  readonly end: number
  readonly #file: FileHandle
  readonly #form: MboxForm
  readonly #gotOn: (() => void) | undefined
  readonly #readings = new Map<number, Promise<readonly Reading[]>>()

  constructor(
    file: FileHandle,
    { path, end }: { readonly path: string; readonly end: number },
    { form, gotOn }: Looking,
  ) {
    this.#file = file
    this.path = path
    this.end = end
    this.#form = form
    this.#gotOn = gotOn
  }

  /** Where it goes apart, if it begins like the message and then differs. */
  async compare(offset: number, encoding: Encoding): Promise<'complete' | 'fragment' | 'other' | number> {
    const line = await this.#fromLine(offset, encoding)
    if (typeof line === 'string') return line
    let at = offset + line
    for await (const part of encoding.rest()) {
      const equal = equalLength(await this.octets(at, at + part.length), part)
      at += equal
      if (equal < part.length) return at === this.end ? 'fragment' : at
    }
    return 'complete'
  }

  /** The copy of what was announced, proven by its digest alone. */
  async prove(offset: number, next: number, { sha256, size }: Announced): Promise<CompleteFinding | undefined> {
    const reading = (await this.read(offset, next)).find((one) => one.sha256 === sha256)
    if (!reading) return undefined
    const { end } = await extent(this.#file, offset, next)
    const flags: readonly Flag[] = reading.newlineAdded ? ['newline-added'] : []
    return { kind: 'complete', offset, length: end - offset, earlier: { sha256, size, flags } }
  }

  async read(offset: number, next: number): Promise<readonly Reading[]> {
    const known = this.#readings.get(offset)
    if (known) return known
    const reading = readings(this.#file, await extent(this.#file, offset, next), this.#form, this.#gotOn)
    this.#readings.set(offset, reading)
    return reading
  }

  async octets(from: number, to: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, Math.min(to, this.end) - from))
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, from + done)
      if (bytesRead === 0) throw new Fault('mbox-changed', `${this.path} shrank while it was read`)
      done += bytesRead
    }
    return bytes
  }

  /** The length of the From_ line if it is this message's; its date may be that of the earlier copy. */
  async #fromLine(offset: number, { fromStart, fromEnd }: Encoding): Promise<number | 'fragment' | 'other'> {
    const length = fromStart.length + fromEnd.length
    const there = await this.octets(offset, offset + length)
    const start = there.subarray(0, fromStart.length)
    if (there.length < length) {
      return equalLength(start, fromStart) === start.length && !there.includes(lf) ? 'fragment' : 'other'
    }
    return start.equals(fromStart) && there.indexOf(lf) === length - 1 ? length : 'other'
  }
}

function equalLength(one: Uint8Array, other: Uint8Array): number {
  const length = Math.min(one.length, other.length)
  if (Buffer.compare(one.subarray(0, length), other.subarray(0, length)) === 0) return length
  let index = 0
  while (one[index] === other[index]) index++
  return index
}

const lf = 0x0a
