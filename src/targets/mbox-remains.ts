import { type FileHandle, lstat, open } from 'node:fs/promises'
import { ignoreMissing } from '../files/durable.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Announced } from '../ports/target.js'
import { type CompleteFinding, type Looking, MboxCopies } from './mbox-copies.js'
import type { Encoding } from './mbox-encoding.js'
import { MboxFile, type MboxFileOptions } from './mbox-file.js'
import { MboxTail, type Span } from './mbox-tail.js'

/** What a position says of dead runs. */
export interface Remnant {
  readonly path: string
  readonly size: number
  readonly dev: number
  readonly ino: number
  /** Announced by a dead run and not accounted for: they may stand beyond `size`, in whole or in part. */
  readonly owed?: readonly Announced[]
  /** Their order is not the one in which all dead runs wrote. */
  readonly shuffled?: boolean
  /** Announced by a dead run and not brought since: if they stand anywhere, then whole and at one of the places. */
  readonly left?: readonly Announced[]
  /** Where copies of what is owed or left may stand, although everything beyond `size` is later than that. */
  readonly places?: readonly Place[]
}

interface Place extends Span {
  /** In a series: which file. */
  readonly path?: string
}

/** Copies that dead runs left of messages without a receipt: in the tail of an mbox, and in places behind that. */
export class MboxRemains {
  readonly #file: MboxFile
  readonly #looking: Looking
  readonly #series: boolean
  #tail: { readonly tail: MboxTail; readonly file: MboxFile } | undefined
  /** What stands behind all that was found in the tail, as long as nothing is appended: an older ledger may be the reason. */
  #unknown: { readonly from: number; readonly end: number } | undefined
  #left: readonly Announced[]
  /** Of those left: about to be begun again, so that from now on they may stand beyond the position as well. */
  readonly #again = new Set<MessageKey>()
  #places: readonly Place[]

  static async in(file: MboxFile, past: Past): Promise<MboxRemains> {
    const { before, series, form, gotOn } = past
    const left = before?.left ?? []
    const owed = before?.owed ?? []
    const fresh = past.announced.filter(without(left))
    const announced = [...owed, ...fresh.filter(without(owed))]
    if (before === undefined || announced.length === 0) return new MboxRemains(file, past, left)
    const elsewhere = series && before.path !== file.path
    if (elsewhere && !(await lstat(before.path).catch(ignoreMissing))) {
      return new MboxRemains(file, past, [...left, ...announced])
    }
    const remains = new MboxRemains(file, past, left)
    const shuffled = before.shuffled === true || owed.some(({ key }, index) => fresh[index]?.key !== key)
    const tailFile = elsewhere ? await MboxFile.open({ path: before.path, ...past.options }) : file
    const span = { path: tailFile.path, from: before.size }
    remains.#tail = {
      file: tailFile,
      tail: await MboxTail.scan(tailFile.handle, span, { form, gotOn, announced, shuffled }),
    }
    return remains
  }

  private constructor(file: MboxFile, { before, form, gotOn, series }: Past, left: readonly Announced[]) {
    this.#file = file
    this.#looking = { form, gotOn }
    this.#series = series
    this.#left = left
    this.#places = before?.places ?? []
  }

  /** While announced messages are unresolved, the tail they may stand in stays beyond the position. */
  get remnant(): Remnant {
    const { file, tail } = this.#tail ?? { file: this.#file, tail: undefined }
    const owed = [...(tail?.unresolved ?? []), ...this.#left.filter(({ key }) => this.#again.has(key))]
    const left = this.#left.filter(({ key }) => !this.#again.has(key))
    return {
      path: file.path,
      size: tail?.cursor ?? (this.#unknown?.end === file.end ? this.#unknown.from : file.end),
      dev: file.dev,
      ino: file.ino,
      ...(owed.length > 0 && { owed }),
      ...(tail?.shuffled === true && { shuffled: true }),
      ...(left.length > 0 && { left }),
      ...(owed.length + left.length > 0 && this.#places.length > 0 && { places: this.#places }),
    }
  }

  admit(messages: readonly Message[]): void {
    for (const { key } of messages) this.#again.add(key)
  }

  /** The copy of the message. Where there is none, the file has been made ready for the message to be appended. */
  async claim(message: Message, encoding: Encoding): Promise<Claim | undefined> {
    const stood = await this.#findPlace(message, encoding)
    const found = stood ?? (await this.#findInTail(message, encoding))
    this.#left = this.#left.filter(({ key }) => key !== message.key)
    this.#tail?.tail.resolve(message.key)
    if (!found) await this.#leaveTail()
    return found
  }

  /** Makes durable what was claimed in an earlier file of a series; leaves the tail once nothing is to be found there. */
  async commit(): Promise<void> {
    if (!this.#tail) return
    const { tail, file } = this.#tail
    if (file !== this.#file) await file.commit()
    if (tail.unresolved.length === 0 || tail.cursor === tail.end) await this.#leaveTail()
  }

  async close(): Promise<void> {
    if (this.#tail?.file !== this.#file) await this.#tail?.file.close()
  }

  async #findInTail(message: Message, encoding: Encoding): Promise<Claim | undefined> {
    if (!this.#tail) return undefined
    const { tail, file } = this.#tail
    const found = await tail.find(message, encoding)
    const passed = tail.takePassed().map((span) => ({ ...span, ...(this.#series && { path: file.path }) }))
    this.#places = [...this.#places, ...passed]
    if (found.kind === 'complete') return { ...found, path: file.path }
    if (found.kind === 'fragment') await file.cut(found.offset, tail.end)
    return undefined
  }

  /** From now on what stands beyond is of this run: what is still missing can only be where it was passed over. */
  async #leaveTail(): Promise<void> {
    if (!this.#tail) return
    const { tail, file } = this.#tail
    if (file === this.#file) this.#unknown = { from: tail.cursor, end: tail.end }
    else {
      await file.commit()
      await file.close()
    }
    this.#left = [...this.#left, ...tail.unresolved]
    this.#tail = undefined
  }

  async #findPlace(message: Message, encoding: Encoding): Promise<Claim | undefined> {
    const missing = [...this.#left, ...(this.#tail?.tail.unresolved ?? [])]
    const versions = missing.filter(({ key }) => key === message.key)
    if (versions.length === 0) return undefined
    for (const path of new Set(this.#places.map((place) => this.#pathOf(place)))) {
      const places = this.#places.filter((place) => this.#pathOf(place) === path)
      const found = await this.#inFile(path, async (file) => {
        const copies = new MboxCopies(file, { path, end: (await file.stat()).size }, this.#looking)
        return search(copies, places, { encoding, versions })
      })
      if (!found) continue
      this.#places = this.#places.filter((place) => this.#pathOf(place) !== path || place.at !== found.offset)
      return { ...found, path }
    }
    return undefined
  }

  async #inFile(
    path: string,
    look: (file: FileHandle) => Promise<CompleteFinding | undefined>,
  ): Promise<CompleteFinding | undefined> {
    if (path === this.#file.path) return look(this.#file.handle)
    const file = await open(path, 'r').catch(ignoreMissing)
    if (!file) return undefined
    try {
      const found = await look(file)
      // The run that wrote it may have died before it was durable.
      if (found) await file.datasync()
      return found
    } finally {
      await file.close()
    }
  }

  #pathOf(place: Place): string {
    return place.path ?? this.#file.path
  }
}

interface Past extends Looking {
  readonly before: Remnant | undefined
  readonly announced: readonly Announced[]
  readonly series: boolean
  /** For an earlier file of the series. */
  readonly options: Omit<MboxFileOptions, 'path'>
}

interface Claim extends CompleteFinding {
  readonly path: string
}

async function search(
  copies: MboxCopies,
  places: readonly Place[],
  wanted: { readonly encoding: Encoding; readonly versions: readonly Announced[] },
): Promise<CompleteFinding | undefined> {
  const { encoding, versions } = wanted
  for (const { at } of places) {
    const match = await copies.compare(at, encoding)
    if (match === 'complete') return { kind: match, offset: at, length: encoding.length }
  }
  for (const version of versions) {
    for (const { at, next } of places) {
      const proven = await copies.prove(at, next, version)
      if (proven) return proven
    }
  }
  return undefined
}

function without(those: readonly Announced[]): (one: Announced) => boolean {
  return (one) => !those.some(({ key, sha256 }) => key === one.key && sha256 === one.sha256)
}
