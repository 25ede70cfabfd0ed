import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createFlags, privateMode } from './create-file.js'

/**
 * A file for what does not fit into memory and is read once, in the order in which it was written. It loses its name at once,
 * so that it is gone with the process, however that ends.
 */
export class Scratch implements AsyncDisposable {
  readonly #file: FileHandle
  #size = 0

  static async in(folder: string): Promise<Scratch> {
    const path = join(folder, `.popferry-${randomBytes(8).toString('hex')}.scratch`)
    const file = await open(path, (createFlags & ~constants.O_WRONLY) | constants.O_RDWR, privateMode)
    try {
      await unlink(path)
      return new Scratch(file)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** Octets. */
  get size(): number {
    return this.#size
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text)
    for (let done = 0; done < bytes.length;) {
      done += (await this.#file.write(bytes, done, bytes.length - done, this.#size + done)).bytesWritten
    }
    this.#size += bytes.length
  }

  /** Takes back what stands behind so many octets. */
  async cut(size: number): Promise<void> {
    await this.#file.truncate(size)
    this.#size = size
  }

  async *read(): AsyncIterable<Uint8Array> {
    for (let from = 0; from < this.#size;) {
      const bytes = Buffer.allocUnsafe(Math.min(pieceSize, this.#size - from))
      const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, from)
      if (bytesRead === 0) throw new Error('a scratch file is shorter than what was written')
      from += bytesRead
      yield bytes.subarray(0, bytesRead)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

const pieceSize = 256 * 1024
