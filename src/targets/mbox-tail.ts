import type { FileHandle } from 'node:fs/promises'
import { Fault } from '../ports/fault.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Announced } from '../ports/target.js'
import { type CompleteFinding, type Looking, MboxCopies } from './mbox-copies.js'
import type { Encoding } from './mbox-encoding.js'
import { fromLines } from './mbox-scan.js'

/** What became of a message that a dead run may have written. */
type Finding =
  | CompleteFinding
  /** It breaks off at the end of the file. */
  | { readonly kind: 'fragment'; readonly offset: number }
  | { readonly kind: 'absent' }

/** A From_ line in the file, and where the next one follows. */
export interface Span {
  readonly at: number
  readonly next: number
}

/**
 * The end of an mbox beyond the ledger's position: what a dead run, or another program, has appended since. The engine
 * brings the announced messages in the order in which the dead run wrote them, so each is looked for behind the last.
 */
export class MboxTail {
  readonly end: number
  /** A dead run of before announced in another order: where the first one is absent, others may stand all the same. */
  readonly shuffled: boolean
  readonly #copies: MboxCopies
  /** Offsets of the lines that start with `From `. */
  readonly #starts: readonly number[]
  /** Announced and not found yet, in order; of one key in several versions, if it was announced again. */
  #unresolved: readonly Announced[]
  #cursor: number
  #passed: Span[] = []

  static async scan(file: FileHandle, span: { path: string; from: number }, ours: Ours): Promise<MboxTail> {
    const { size } = await file.stat()
    const from = Math.min(span.from, size)
    const copies = new MboxCopies(file, { path: span.path, end: size }, ours)
    return new MboxTail(copies, from, ours, await fromLines(file, from, size, ours.gotOn))
  }

  private constructor(copies: MboxCopies, from: number, ours: Ours, starts: readonly number[]) {
    this.#copies = copies
    this.#cursor = from
    this.end = copies.end
    this.shuffled = ours.shuffled
    this.#unresolved = ours.announced
    this.#starts = starts
  }

  /** Everything before is accounted for, or was passed over. */
  get cursor(): number {
    return this.#cursor
  }

  get unresolved(): readonly Announced[] {
    return this.#unresolved
  }

  resolve(key: MessageKey): void {
    this.#unresolved = this.#unresolved.filter((one) => one.key !== key)
  }

  /** What the last search went past without claiming it: copies of messages that are not brought now may stand there. */
  takePassed(): readonly Span[] {
    const passed = this.#passed
    this.#passed = []
    return passed
  }

  /**
   * Looks for the message behind the last one found. Only an announced one can have been begun and not finished: then
   * it is a fragment, or `mbox-tail` is thrown where something follows it. `absent` means that it can be written now,
   * and that any other announced message stands there whole or not at all.
   */
  async find(message: Message, encoding: Encoding): Promise<Finding> {
    const [next] = this.#unresolved
    const versions = this.#unresolved.filter(({ key }) => key === message.key)
    const { found, torn } = await this.#search(encoding)
    const whole = found?.kind === 'complete' ? found : await this.#findEarlier(message, versions)
    if (whole) {
      this.#pass(whole.offset)
      this.#cursor = this.#from(whole.offset + whole.length)
      this.resolve(message.key)
      return whole
    }
    if (found && versions.length > 0) {
      this.#pass(found.offset)
      return found
    }
    if (torn !== undefined && versions.length > 0) throw tailFault(this.#copies.path, torn)
    // The dead run wrote in announced order: what comes behind a message that it did not begin, it never wrote. But a
    // message that never comes, or comes with other bytes, cannot tell whether it was begun.
    const first = next?.key === message.key && versions.every(({ sha256 }) => sha256 === message.sha256)
    if (next && (this.shuffled || !first)) {
      await this.#requireWhole()
      this.#pass(this.end)
    }
    return { kind: 'absent' }
  }

  async #search(encoding: Encoding): Promise<{ found?: CompleteFinding | FragmentFinding; torn?: number }> {
    let found: FragmentFinding | undefined
    let torn: number | undefined
    for (const offset of this.#ahead()) {
      const match = await this.#copies.compare(offset, encoding)
      if (match === 'complete') return { found: { kind: match, offset, length: encoding.length } }
      // The first: in mboxcl2 a line of its body may look like the start of another.
      if (match === 'fragment') found ??= { kind: match, offset }
      const apart = typeof match === 'number' && (await this.#breaksOff(match))
      if (apart && !(await this.#isAnnounced(offset))) torn ??= offset
    }
    return { ...(found && { found }), ...(torn !== undefined && { torn }) }
  }

  /** The copy of what was announced for this key when it had other bytes. */
  async #findEarlier(message: Message, versions: readonly Announced[]): Promise<CompleteFinding | undefined> {
    for (const version of versions.filter(({ sha256 }) => sha256 !== message.sha256)) {
      for (const offset of this.#ahead()) {
        const proven = await this.#copies.prove(offset, this.#from(offset + 1), version)
        if (proven) return proven
      }
    }
    return undefined
  }

  #ahead(): readonly number[] {
    return this.#starts.filter((start) => start >= this.#cursor)
  }

  /** The first From_ line from there on. */
  #from(offset: number): number {
    return this.#starts.find((start) => start >= offset) ?? this.end
  }

  #pass(offset: number): void {
    for (const [index, at] of this.#starts.entries()) {
      if (at >= this.#cursor && at < offset) this.#passed.push({ at, next: this.#starts[index + 1] ?? this.end })
    }
  }

  /** Throws where something stands there that is not provably complete: it may be the beginning of an announced message. */
  async #requireWhole(): Promise<void> {
    for (const offset of this.#ahead()) {
      if (!(await this.#isAnnounced(offset))) throw tailFault(this.#copies.path, offset)
    }
  }

  async #isAnnounced(offset: number): Promise<boolean> {
    const found = await this.#copies.read(offset, this.#from(offset + 1))
    return this.#unresolved.some((announced) => found.some(({ sha256 }) => sha256 === announced.sha256))
  }

  /** Whether a message can have broken off here: behind it comes what another program has appended, or nothing real. */
  async #breaksOff(at: number): Promise<boolean> {
    // The first octets of a From_ line may happen to be those that the message goes on with.
    const around = await this.#copies.octets(Math.max(0, at - 4), at + 5)
    const between = await this.#copies.octets(at, Math.min(this.#from(at), at + 64))
    return around.includes('From ') || between.every((byte) => byte === lf || byte === cr || byte === 0)
  }
}

interface Ours extends Looking {
  readonly announced: readonly Announced[]
  readonly shuffled: boolean
}

type FragmentFinding = Extract<Finding, { kind: 'fragment' }>

export function tailFault(path: string, offset: number): Fault {
  return new Fault('mbox-tail', `${path} holds something unfinished from octet ${offset} on that is not provably ours`)
}

const lf = 0x0a
const cr = 0x0d
