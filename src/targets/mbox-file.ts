import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Dotlock, sweepDotlock, takeDotlock } from '../files/dotlock.js'
import { diskFault, ignoreMissing, syncDirectory } from '../files/durable.js'
import type { Owner } from '../files/owner.js'
import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'
import { tailFault } from './mbox-tail.js'

export interface MboxFileOptions {
  readonly path: string
  readonly mode: number
  readonly owner: Owner | undefined
  readonly run: string
  readonly clock: Clock
  /** The line end of the blank line between messages. */
  readonly newline: Uint8Array
}

/**
 * An mbox open for appending: buffered writes under the dotlock, from a batch's first octet until it is synced. What is
 * in the file is never changed; what others append meanwhile is taken as it is (QUIRKS MBX-08).
 */
export class MboxFile {
  readonly handle: FileHandle
  readonly dev: number
  readonly ino: number
  readonly #options: MboxFileOptions
  #dotlock: Dotlock | undefined
  /** Where the next octet goes: the file's end, pending octets included. */
  #end: number
  /** Where this batch started, while the dotlock is held. */
  #batchStart = 0
  /** Copies that a dead run left and that this batch has found. */
  #claimed: { readonly offset: number; readonly length: number }[] = []
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #broken = false

  /** For whoever holds popferry's own lock on the file. */
  static async open(options: MboxFileOptions): Promise<MboxFile> {
    const { path, mode, owner } = options
    await sweepDotlock(path, options)
    const present = await standsAt(path)
    const handle = await open(path, openFlags, mode)
    try {
      if (!present) {
        await handle.chmod(mode)
        if (owner) await handle.chown(owner.uid, owner.gid)
      }
      const { dev, ino, size } = await handle.stat()
      // Whoever made it may have been killed before this.
      if (size === 0) await syncDirectory(dirname(path))
      await requireMbox(handle, path, size)
      return new MboxFile(handle, { dev, ino, size }, options)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private constructor(handle: FileHandle, facts: { dev: number; ino: number; size: number }, options: MboxFileOptions) {
    this.handle = handle
    this.dev = facts.dev
    this.ino = facts.ino
    this.#end = facts.size
    this.#options = options
  }

  get path(): string {
    return this.#options.path
  }

  get end(): number {
    return this.#end
  }

  /**
   * Appends one whole message; returns the offset of its From_ line. After a failure nothing more is appended: what a run
   * leaves behind must be a prefix of what it announced, or the next one does not know it again.
   */
  async append(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    this.#requireSound()
    try {
      if (!this.#dotlock) {
        await this.#begin()
        await this.#separate()
      }
      const offset = this.#end
      for await (const part of parts) {
        this.#push(part)
        if (this.#pendingBytes >= flushSize) await this.#flush()
      }
      return offset
    } catch (error) {
      this.#broken = true
      throw error
    }
  }

  /** Begins a batch by removing a fragment that is proven to be ours, from `offset` to `end`, where the file ended. */
  async cut(offset: number, end: number): Promise<void> {
    try {
      await this.#begin()
      // Looked at before the dotlock was held: what came behind it since is not ours to remove.
      if (this.#end !== end) throw tailFault(this.path, offset)
      await this.handle.truncate(offset)
      await this.handle.datasync()
      this.#end = offset
      this.#batchStart = offset
      await this.#separate()
    } catch (error) {
      this.#broken = true
      throw error
    }
  }

  /** This batch's commit makes a copy durable that a dead run left. */
  claim(copy: { readonly offset: number; readonly length: number }): void {
    this.#claimed.push(copy)
  }

  /** Makes everything durable and lets other programs in again. */
  async commit(): Promise<void> {
    this.#requireSound()
    await this.#flush()
    try {
      await this.handle.datasync()
    } catch (error) {
      this.#broken = true
      await this.#takeBack().catch(() => undefined)
      throw error
    }
    this.#claimed = []
    await this.#requireSame()
    if ((await this.#dotlock?.isOurs()) === false)
      throw new Fault('mbox-locked', `another program took the dotlock of ${this.path} during the batch`)
    await this.#release()
  }

  async close(): Promise<void> {
    await this.#release()
    await this.handle.close()
  }

  async #release(): Promise<void> {
    const dotlock = this.#dotlock
    this.#dotlock = undefined
    await dotlock?.release()
  }

  #requireSound(): void {
    if (this.#broken) throw new Fault('io', `an earlier write to ${this.path} failed`)
  }

  /** Takes the dotlock for this batch, and looks whether the file is still the one that was left. */
  async #begin(): Promise<void> {
    const { path, clock, run } = this.#options
    this.#dotlock = await takeDotlock(path, { run }, clock)
    this.#end = await this.#requireSame()
    this.#batchStart = this.#end
  }

  /** Throws where another program put another file in this one's place, or cut it; returns how long it is. */
  async #requireSame(): Promise<number> {
    const { path } = this.#options
    const now = await lstat(path).catch(ignoreMissing)
    if (!now) throw new Fault('target-gone', `${path} was removed during the run`)
    if (now.dev !== this.dev || now.ino !== this.ino || now.size < this.#end) {
      throw new Fault('mbox-changed', `${path} was rewritten by another program during the run`)
    }
    return now.size
  }

  /** A From_ line needs a blank line before it (QUIRKS MBX-04, MBX-06). */
  async #separate(): Promise<void> {
    if (this.#end === 0) return
    const { newline } = this.#options
    const last = Buffer.alloc(Math.min(4, this.#end))
    await this.handle.read(last, 0, last.length, this.#end - last.length)
    // A kill may have left half of a CRLF.
    const half = newline.length === 2 && last.at(-1) === newline[0]
    if (half) this.#push(newline.subarray(1))
    const text = `${last.toString('latin1')}${half ? '\n' : ''}`.replaceAll('\r\n', '\n')
    const missing = text.endsWith('\n\n') ? 0 : text.endsWith('\n') ? 1 : 2
    for (let line = 0; line < missing; line++) this.#push(newline)
  }

  #push(part: Uint8Array): void {
    this.#pending.push(part)
    this.#pendingBytes += part.length
    this.#end += part.length
  }

  async #flush(): Promise<void> {
    const bytes = this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending)
    const start = this.#end - this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
    if (!bytes || bytes.length === 0) return
    let done = 0
    try {
      const { size } = await this.handle.stat()
      if (size !== start)
        throw new Fault('mbox-changed', `another program wrote to ${this.path} in spite of the dotlock`)
      while (done < bytes.length) done += (await this.handle.write(bytes, done)).bytesWritten
      await this.#dotlock?.refresh()
    } catch (error) {
      await this.#retreat(start + done)
      throw diskFault(error, 'write', this.#options.path)
    }
  }

  /**
   * The kernel may have dropped what a failed sync should have written, and show it for a while all the same. A second sync
   * would say that all is well (QUIRKS FS-03): nothing of it may be there for the next run to claim.
   */
  async #takeBack(): Promise<void> {
    if (!this.#dotlock) await this.#begin()
    const { size } = await this.handle.stat()
    if (size !== this.#end) return
    let from = this.#batchStart
    for (const { offset, length } of this.#claimed.toSorted((a, b) => b.offset - a.offset)) {
      // With the blank line behind it.
      if (offset + length + this.#options.newline.length === from) from = offset
    }
    await this.handle.truncate(from)
  }

  /** Out of space: half a message at the end helps nobody (QUIRKS MBX-11). Only while all behind the batch's start is ours. */
  async #retreat(written: number): Promise<void> {
    this.#broken = true
    const { size } = await this.handle.stat()
    if (size === written) await this.handle.truncate(this.#batchStart).catch(() => undefined)
  }
}

/** Appending: what another program writes without regard to the dotlock is never written over. */
const openFlags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW

const flushSize = 1024 * 1024

/** Throws where what stands at the path, if anything does, cannot be appended to. Changes nothing. */
export async function requireAppendable(path: string): Promise<void> {
  if (!(await standsAt(path))) return
  const handle = await open(path, openFlags & ~constants.O_CREAT)
  try {
    await requireMbox(handle, path, (await handle.stat()).size)
  } finally {
    await handle.close()
  }
}

async function standsAt(path: string): Promise<boolean> {
  const present = await lstat(path).catch(ignoreMissing)
  if (present && !present.isFile()) throw new Fault('not-an-mbox', `${path} is not a regular file`)
  return present !== undefined
}

async function requireMbox(handle: FileHandle, path: string, size: number): Promise<void> {
  if (size === 0) return
  const start = Buffer.alloc(Math.min(5, size))
  await handle.read(start, 0, start.length, 0)
  // A kill may have left less than that.
  if (!'From '.startsWith(start.toString('latin1')))
    throw new Fault('not-an-mbox', `${path} does not start with a From_ line`)
}
