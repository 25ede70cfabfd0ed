import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { privateMode } from '../files/create-file.js'
import { Fault } from '../ports/fault.js'
import {
  headLine,
  type Staged,
  type StagedFacts,
  isIntact,
  readHead,
  readRecords,
  recordLine,
} from './eml-zip-record.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants

/** Told of each whole message, and whether it is committed. */
export type Found = (staged: Staged, archive: string, committed: boolean) => void

/** What to do where messages with receipts are not in the staging as they were. */
export const damagedHint =
  'restore the state folder as a whole; without a backup, move it away, and `popferry run --adopt` copies again what was waiting'

/** One file of the staging: the messages of one volume to be, one behind the other. */
export class Segment {
  readonly number: number
  readonly path: string
  /** The first volume of the archive that it belongs to: a series has one in each place. */
  readonly archive: string
  /** Octets up to the end of the last whole message. */
  size: number
  entries = 0
  /** Something was written since the last sync. */
  #unsynced = false
  /** So much of it is on the disk. */
  #synced = 0
  readonly #file: FileHandle

  /** Octets that its volume takes at most, uncompressed, with what its lists say of a message. */
  get volumeSize(): number {
    return this.size + this.entries * 1024
  }

  private constructor(facts: { number: number; path: string; archive: string; size: number }, file: FileHandle) {
    this.number = facts.number
    this.path = facts.path
    this.archive = facts.archive
    this.size = facts.size
    this.#file = file
  }

  static pathOf(folder: string, number: number): string {
    return join(folder, `${number}.staged`)
  }

  /** The number in a segment's file name; undefined for other files. */
  static numberOf(name: string): number | undefined {
    const digits = /^(\d{1,15})\.staged$/.exec(name)?.[1]
    return digits === undefined ? undefined : Number(digits)
  }

  static async create(folder: string, number: number, archive: string): Promise<Segment> {
    const path = Segment.pathOf(folder, number)
    const file = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, privateMode)
    const line = headLine(archive)
    await writeAll(file, line, 0)
    const segment = new Segment({ number, path, archive, size: line.length }, file)
    segment.#unsynced = true
    return segment
  }

  /**
   * A segment of an earlier run; undefined where it was not even begun. Up to `committed` it is as it was synced; behind
   * that it counts as far as it is whole, and the rest is cut off.
   */
  static async open(
    { folder, number, committed }: { readonly folder: string; readonly number: number; readonly committed: number },
    found: Found,
  ): Promise<Segment | undefined> {
    const path = Segment.pathOf(folder, number)
    const file = await open(path, O_RDWR | O_NOFOLLOW)
    try {
      const { size } = await file.stat()
      const head = await readHead(file)
      if (!head) {
        await file.close()
        return undefined
      }
      const { archive, end: from } = head
      const segment = new Segment({ number, path, archive, size: from }, file)
      for await (const staged of readRecords(file, { path, from, size })) {
        const end = staged.offset + staged.size
        if (end > committed && !(await isIntact(staged))) break
        found(staged, archive, end <= committed)
        segment.size = end
        segment.entries++
      }
      if (segment.size < size && segment.size >= committed) await file.truncate(segment.size)
      // What a dead run wrote and did not sync becomes part of the next commit.
      segment.#unsynced = segment.size > committed
      segment.#synced = Math.min(segment.size, committed)
      return segment
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Writes the message behind the others; what fails leaves nothing. */
  async append(facts: StagedFacts, chunks: AsyncIterable<Uint8Array>): Promise<Staged> {
    const start = this.size
    const line = recordLine(facts)
    this.#unsynced = true
    try {
      let end = start + (await writeAll(this.#file, line, start))
      for await (const chunk of chunks) end += await writeAll(this.#file, chunk, end)
      if (end !== start + line.length + facts.size) throw new Error('a message of another size than was said')
      this.size = end
      this.entries++
      return { ...facts, path: this.path, offset: start + line.length }
    } catch (error) {
      await this.#file.truncate(start).catch(() => undefined)
      throw error
    }
  }

  /** After a failure nothing that was not synced before is there. */
  async sync(): Promise<void> {
    if (!this.#unsynced) return
    try {
      await this.#file.datasync()
    } catch (error) {
      // The kernel may have dropped it, and show it for a while all the same: the next run must not find it (QUIRKS FS-03).
      await this.#file.truncate(this.#synced).catch(() => undefined)
      throw error
    }
    this.#unsynced = false
    this.#synced = this.size
  }

  /** All its messages in order. */
  async *records(): AsyncIterable<Staged> {
    const head = await readHead(this.#file)
    yield* readRecords(this.#file, { path: this.path, from: head?.end ?? this.size, size: this.size })
  }

  /** Throws where a message is not what was staged. */
  async requireIntact(): Promise<void> {
    for await (const staged of this.records()) {
      if (await isIntact(staged)) continue
      throw new Fault('io', `a message that waits in ${this.path} for its volume is damaged`, { hint: damagedHint })
    }
  }

  /** A message that fits into memory. */
  async bytesOf({ offset, size }: Staged): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(size)
    for (let done = 0; done < size;) {
      const { bytesRead } = await this.#file.read(bytes, done, size - done, offset + done)
      if (bytesRead === 0) throw new Fault('io', `${this.path} ends in the middle of a message`)
      done += bytesRead
    }
    return bytes
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
  return bytes.length
}
