import type { FileHandle } from 'node:fs/promises'
import type { MboxForm } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { Flag, Message } from '../ports/message.js'
import type { Announced } from '../ports/target.js'
import type { Encoding } from './mbox-encoding.js'
import { extent, fromLines, type Reading, readings } from './mbox-scan.js'

/** What became of a message that a dead run may have written. */
export type Finding =
  | { readonly kind: 'complete'; readonly offset: number; readonly length: number; readonly earlier?: Earlier }
  /** It breaks off at the end of the file. */
  | { readonly kind: 'fragment'; readonly offset: number }
  | { readonly kind: 'absent' }

/** The copy is of the bytes that the server sent then; now it sends others under the same key (QUIRKS RET-23). */
interface Earlier extends Pick<Announced, 'sha256' | 'size'> {
  readonly flags: readonly Flag[]
}

/**
 * The end of an mbox beyond the ledger's position: what a dead run, or another program, has appended since. The engine
 * brings the announced messages in the order in which the dead run wrote them, so each is looked for behind the last.
 */
export class MboxTail {
  readonly path: string
  readonly end: number
  readonly #file: FileHandle
  readonly #form: MboxForm
  /** Offsets of the lines that start with `From `. */
  readonly #starts: readonly number[]
  readonly #readings = new Map<number, Promise<readonly Reading[]>>()
  /** Announced and not found yet, in order; of one key in several versions, if it was announced again. */
  #unresolved: readonly Announced[]
  #cursor: number

  static async scan(file: FileHandle, span: { path: string; from: number }, ours: Ours): Promise<MboxTail> {
    const { size } = await file.stat()
    const from = Math.min(span.from, size)
    return new MboxTail(file, { path: span.path, from, end: size }, ours, await fromLines(file, from, size))
  }

  private constructor(file: FileHandle, span: Span, ours: Ours, starts: readonly number[]) {
    this.#file = file
    this.path = span.path
    this.#cursor = span.from
    this.end = span.end
    this.#form = ours.form
    this.#unresolved = ours.announced
    this.#starts = starts
  }

  /** Everything before is accounted for. */
  get cursor(): number {
    return this.#cursor
  }

  get unresolved(): readonly Announced[] {
    return this.#unresolved
  }

  /**
   * Looks for the message behind the last one found. Only an announced one can have been begun and not finished: then
   * it is a fragment, or `mbox-tail` is thrown where something follows it. `absent` means that it can be written now,
   * and that no other announced message stands there.
   */
  async find(message: Message, encoding: Encoding): Promise<Finding> {
    const [next] = this.#unresolved
    const versions = this.#unresolved.filter(({ key }) => key === message.key)
    const { found, torn } = await this.#search(encoding)
    const whole = found?.kind === 'complete' ? found : await this.#findEarlier(message, versions)
    if (whole) {
      this.#cursor = this.#behind(whole)
      this.#unresolved = this.#unresolved.filter(({ key }) => key !== message.key)
      return whole
    }
    if (found && versions.length > 0) return found
    if (torn !== undefined && versions.length > 0) throw tailFault(this.path, torn)
    // The dead run wrote in announced order: what comes behind a message that it did not begin, it never wrote. But a
    // message that never comes, or comes with other bytes, cannot tell whether it was begun.
    const known = next?.key === message.key && versions.every(({ sha256 }) => sha256 === message.sha256)
    if (next && !known) await this.#requireWhole()
    return { kind: 'absent' }
  }

  async #search(encoding: Encoding): Promise<{ found?: Finding; torn?: number }> {
    let found: Finding | undefined
    let torn: number | undefined
    for (const offset of this.#starts) {
      if (offset < this.#cursor) continue
      const match = await this.#compare(offset, encoding)
      if (match === 'complete') return { found: { kind: match, offset, length: encoding.length } }
      // The first: in mboxcl2 a line of its body may look like the start of another.
      if (match === 'fragment') found ??= { kind: match, offset }
      if (match === 'torn' && !(await this.#isAnnounced(offset))) torn ??= offset
    }
    return { ...(found && { found }), ...(torn !== undefined && { torn }) }
  }

  /** The copy of what was announced for this key, proven by its digest alone. */
  async #findEarlier(message: Message, versions: readonly Announced[]): Promise<CompleteFinding | undefined> {
    for (const version of versions.filter(({ sha256 }) => sha256 !== message.sha256)) {
      for (const offset of this.#starts) {
        if (offset < this.#cursor) continue
        const reading = (await this.#read(offset)).find(({ sha256 }) => sha256 === version.sha256)
        if (!reading) continue
        const { end } = await extent(this.#file, offset, this.#next(offset))
        const flags: readonly Flag[] = reading.newlineAdded ? ['newline-added'] : []
        const { sha256, size } = version
        return { kind: 'complete', offset, length: end - offset, earlier: { sha256, size, flags } }
      }
    }
    return undefined
  }

  #behind({ offset, length }: CompleteFinding): number {
    return this.#starts.find((start) => start >= offset + length) ?? this.end
  }

  /** Throws where something stands there that is not provably complete: it may be the beginning of an announced message. */
  async #requireWhole(): Promise<void> {
    for (const offset of this.#starts) {
      if (offset >= this.#cursor && !(await this.#isAnnounced(offset))) throw tailFault(this.path, offset)
    }
  }

  async #isAnnounced(offset: number): Promise<boolean> {
    const found = await this.#read(offset)
    return this.#unresolved.some((announced) => found.some(({ sha256 }) => sha256 === announced.sha256))
  }

  async #read(offset: number): Promise<readonly Reading[]> {
    const known = this.#readings.get(offset)
    if (known) return known
    const reading = readings(this.#file, await extent(this.#file, offset, this.#next(offset)), this.#form)
    this.#readings.set(offset, reading)
    return reading
  }

  #next(offset: number): number {
    return this.#starts.find((start) => start > offset) ?? this.end
  }

  async #compare(offset: number, encoding: Encoding): Promise<'complete' | 'fragment' | 'torn' | 'other'> {
    const line = await this.#fromLine(offset, encoding)
    if (typeof line === 'string') return line
    let at = offset + line
    for await (const part of encoding.rest()) {
      const there = await this.#octets(at, at + part.length)
      const equal = equalLength(there, part)
      at += equal
      if (equal < part.length) {
        if (at === this.end) return 'fragment'
        return (await this.#breaksOff(at)) ? 'torn' : 'other'
      }
    }
    return 'complete'
  }

  /** The length of the From_ line if it is this message's; its date may be that of the earlier copy. */
  async #fromLine(offset: number, { fromStart, fromEnd }: Encoding): Promise<number | 'fragment' | 'other'> {
    const length = fromStart.length + fromEnd.length
    const there = await this.#octets(offset, offset + length)
    const start = there.subarray(0, fromStart.length)
    if (there.length < length) {
      return equalLength(start, fromStart) === start.length && !there.includes(lf) ? 'fragment' : 'other'
    }
    return start.equals(fromStart) && there.indexOf(lf) === length - 1 ? length : 'other'
  }

  /** Whether a message can have broken off here: behind it comes what another program has appended, or nothing real. */
  async #breaksOff(at: number): Promise<boolean> {
    // The first octets of a From_ line may happen to be those that the message goes on with.
    const around = await this.#octets(Math.max(0, at - 4), at + 5)
    const next = this.#starts.find((start) => start >= at) ?? this.end
    const between = await this.#octets(at, Math.min(next, at + 64))
    return around.includes('From ') || between.every((byte) => byte === lf || byte === cr || byte === 0)
  }

  async #octets(from: number, to: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, Math.min(to, this.end) - from))
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, from + done)
      if (bytesRead === 0) throw new Fault('mbox-changed', `${this.path} shrank while it was read`)
      done += bytesRead
    }
    return bytes
  }
}

interface Span {
  readonly path: string
  readonly from: number
  readonly end: number
}

interface Ours {
  readonly form: MboxForm
  readonly announced: readonly Announced[]
}

type CompleteFinding = Extract<Finding, { kind: 'complete' }>

export function tailFault(path: string, offset: number): Fault {
  return new Fault('mbox-tail', `${path} holds something unfinished from octet ${offset} on that is not provably ours`)
}

function equalLength(one: Uint8Array, other: Uint8Array): number {
  const length = Math.min(one.length, other.length)
  if (Buffer.compare(one.subarray(0, length), other.subarray(0, length)) === 0) return length
  let index = 0
  while (one[index] === other[index]) index++
  return index
}

const lf = 0x0a
const cr = 0x0d
