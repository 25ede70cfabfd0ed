import type { FileHandle } from 'node:fs/promises'
import { Fault } from '../ports/fault.js'
import type { Encoding } from './mbox-encoding.js'

/** What became of a message that a dead run may have written. */
export type Finding =
  | { readonly kind: 'complete'; readonly offset: number }
  /** It breaks off at the end of the file. */
  | { readonly kind: 'fragment'; readonly offset: number }
  | { readonly kind: 'absent' }

/**
 * The end of an mbox beyond the ledger's position: what a dead run, or another program, has appended since. The engine
 * brings the announced messages in the order in which the dead run wrote them, so each is looked for behind the last.
 */
export class MboxTail {
  readonly #file: FileHandle
  readonly #path: string
  /** Offsets of the lines that start with `From `. */
  readonly #starts: readonly number[]
  readonly #end: number
  #cursor: number
  readonly #blank: boolean

  static async scan(file: FileHandle, path: string, from: number): Promise<MboxTail> {
    const { size } = await file.stat()
    return new MboxTail({ file, path, from, end: size, ...(await fromLines(file, from, size)) })
  }

  private constructor(parts: TailParts) {
    this.#file = parts.file
    this.#path = parts.path
    this.#starts = parts.starts
    this.#cursor = parts.from
    this.#end = parts.end
    this.#blank = parts.blank
  }

  /** Everything before is accounted for. */
  get cursor(): number {
    return this.#cursor
  }

  /** Nothing but what was claimed, or line ends. */
  get resolved(): boolean {
    return this.#blank || this.#cursor >= this.#end
  }

  get path(): string {
    return this.#path
  }

  /**
   * Looks for the message behind the last one found. Only an announced one can have been begun and not finished: then
   * it is a fragment, or `mbox-tail` is thrown where something follows it.
   */
  async find(encoding: Encoding, announced: boolean): Promise<Finding> {
    let torn: number | undefined
    for (const offset of this.#starts) {
      if (offset < this.#cursor) continue
      const match = await this.#compare(offset, encoding)
      if (match === 'complete') this.#cursor = offset + encoding.total
      if (match === 'complete' || (announced && match === 'fragment')) return { kind: match, offset }
      if (announced && match === 'torn') torn ??= offset
    }
    if (torn !== undefined) throw tailFault(this.#path, torn)
    return { kind: 'absent' }
  }

  /** Throws where something stands there that a message can neither be written behind nor claim. */
  requireResolved(): void {
    if (!this.resolved) throw tailFault(this.#path, this.#cursor)
  }

  async #compare(offset: number, encoding: Encoding): Promise<'complete' | 'fragment' | 'torn' | 'other'> {
    const line = await this.#fromLine(offset, encoding)
    if (typeof line === 'string') return line
    let at = offset + line
    let body = 0
    for await (const part of encoding.rest()) {
      const there = Buffer.alloc(Math.min(part.length, Math.max(0, this.#end - at)))
      await readFully(this.#file, there, at)
      const equal = equalLength(there, part)
      at += equal
      body += equal
      if (equal < part.length) {
        if (at === this.#end) return 'fragment'
        return body > 0 ? 'torn' : 'other'
      }
    }
    return 'complete'
  }

  /** The length of the From_ line if it is this message's; its date may be that of the earlier copy. */
  async #fromLine(offset: number, { fromStart, fromEnd }: Encoding): Promise<number | 'fragment' | 'other'> {
    const length = fromStart.length + fromEnd.length
    const there = Buffer.alloc(Math.min(length, this.#end - offset))
    await readFully(this.#file, there, offset)
    const start = there.subarray(0, fromStart.length)
    if (there.length < length) {
      return equalLength(start, fromStart) === start.length && !there.includes(lf) ? 'fragment' : 'other'
    }
    return start.equals(fromStart) && there.indexOf(lf) === length - 1 ? length : 'other'
  }
}

interface TailParts {
  readonly file: FileHandle
  readonly path: string
  readonly starts: readonly number[]
  readonly blank: boolean
  readonly from: number
  readonly end: number
}

/** The offsets of all lines that start with `From `, and whether there is nothing but line ends. */
export async function fromLines(
  file: FileHandle,
  from: number,
  size: number,
): Promise<{ readonly starts: readonly number[]; readonly blank: boolean }> {
  const starts: number[] = []
  let blank = true
  const buffer = Buffer.alloc(chunkSize)
  // Parts overlap by what the start of a From_ line may lose at a border.
  for (let at = from; at < size; at += chunkSize - overlap) {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, at)
    const part = buffer.subarray(0, bytesRead)
    blank &&= part.every((byte) => byte === lf || byte === cr)
    if (at === from && part.subarray(0, 5).equals(fromBytes)) starts.push(at)
    for (let hit = part.indexOf(lineStart); hit >= 0; hit = part.indexOf(lineStart, hit + 1)) {
      if (starts.at(-1) !== at + hit + 1) starts.push(at + hit + 1)
    }
  }
  return { starts, blank }
}

function tailFault(path: string, offset: number): Fault {
  return new Fault('mbox-tail', `${path} holds something unfinished from octet ${offset} on that is not provably ours`)
}

async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.length;) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) throw new Fault('io', 'the file shrank while it was read')
    done += bytesRead
  }
}

function equalLength(one: Uint8Array, other: Uint8Array): number {
  const length = Math.min(one.length, other.length)
  if (Buffer.compare(one.subarray(0, length), other.subarray(0, length)) === 0) return length
  let index = 0
  while (one[index] === other[index]) index++
  return index
}

const chunkSize = 1024 * 1024
const overlap = 6
const lf = 0x0a
const cr = 0x0d
const fromBytes = Buffer.from('From ')
const lineStart = Buffer.from('\nFrom ')
