import { constants } from 'node:fs'
import { chown, type FileHandle, lstat, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Dotlock, takeDotlock } from '../files/dotlock.js'
import { diskFault, errorCode, makeDirectory, syncDirectory } from '../files/durable.js'
import type { Owner } from '../files/owner.js'
import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'

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
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #broken = false

  static async open(options: MboxFileOptions): Promise<MboxFile> {
    const { path, mode, owner } = options
    for (const created of await makeDirectory(dirname(path), 0o700))
      if (owner) await chown(created, owner.uid, owner.gid)
    const present = await lstat(path).catch(ignoreMissing)
    if (present && !present.isFile()) throw new Fault('not-an-mbox', `${path} is not a regular file`)
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, mode)
    try {
      if (!present) {
        await handle.chmod(mode)
        if (owner) await handle.chown(owner.uid, owner.gid)
        await syncDirectory(dirname(path))
      }
      const { dev, ino, size } = await handle.stat()
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

  get end(): number {
    return this.#end
  }

  /** Appends one whole message; returns the offset of its From_ line. */
  async append(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    await this.#begin()
    const offset = this.#end
    for await (const part of parts) {
      this.#pending.push(part)
      this.#pendingBytes += part.length
      this.#end += part.length
      if (this.#pendingBytes >= flushSize) await this.#flush()
    }
    return offset
  }

  /** Removes everything from `offset` on: a fragment that is proven to be ours. */
  async cut(offset: number): Promise<void> {
    await this.#begin()
    await this.handle.truncate(offset)
    await this.handle.datasync()
    this.#end = offset
    this.#batchStart = offset
    await this.#separate()
  }

  /** Makes everything durable and lets other programs in again. */
  async commit(): Promise<void> {
    await this.#flush()
    try {
      await this.handle.datasync()
    } catch (error) {
      // The kernel may have dropped the pages: a second sync would say that all is well (QUIRKS FS-03).
      this.#broken = true
      throw error
    }
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

  /** Takes the dotlock for this batch, and looks whether the file is still the one that was left. */
  async #begin(): Promise<void> {
    if (this.#broken) throw new Fault('io', `an earlier write to ${this.#options.path} failed`)
    if (this.#dotlock) return
    const { path, clock, run } = this.#options
    this.#dotlock = await takeDotlock(path, { run }, clock)
    const now = await lstat(path).catch(ignoreMissing)
    if (!now) throw new Fault('target-gone', `${path} was removed during the run`)
    if (now.dev !== this.dev || now.ino !== this.ino || now.size < this.#end) {
      throw new Fault('mbox-changed', `${path} was rewritten by another program during the run`)
    }
    this.#end = now.size
    this.#batchStart = now.size
    await this.#separate()
  }

  /** A From_ line needs a blank line before it (QUIRKS MBX-04, MBX-06). */
  async #separate(): Promise<void> {
    if (this.#end === 0) return
    const last = Buffer.alloc(Math.min(4, this.#end))
    await this.handle.read(last, 0, last.length, this.#end - last.length)
    const text = last.toString('latin1').replaceAll('\r\n', '\n')
    const missing = text.endsWith('\n\n') ? 0 : text.endsWith('\n') ? 1 : 2
    const { newline } = this.#options
    this.#pending.push(...Array.from({ length: missing }, () => newline))
    this.#pendingBytes += missing * newline.length
    this.#end += missing * newline.length
  }

  async #flush(): Promise<void> {
    const bytes = this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending)
    const start = this.#end - this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
    if (!bytes || bytes.length === 0) return
    try {
      for (let done = 0; done < bytes.length;) {
        done += (await this.handle.write(bytes, done, bytes.length - done, start + done)).bytesWritten
      }
      await this.#dotlock?.refresh()
    } catch (error) {
      await this.#retreat()
      throw diskFault(error, 'write', this.#options.path)
    }
  }

  /** Out of space: half a message at the end helps nobody (QUIRKS MBX-11). Only while nobody else can have written. */
  async #retreat(): Promise<void> {
    this.#broken = true
    const { size } = await this.handle.stat()
    if (size <= this.#end) await this.handle.truncate(this.#batchStart).catch(() => undefined)
  }
}

const flushSize = 1024 * 1024

async function requireMbox(handle: FileHandle, path: string, size: number): Promise<void> {
  if (size === 0) return
  const start = Buffer.alloc(Math.min(5, size))
  await handle.read(start, 0, start.length, 0)
  if (start.toString('latin1') !== 'From ') throw new Fault('not-an-mbox', `${path} does not start with a From_ line`)
}

function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
}
