import type { FileHandle } from 'node:fs/promises'
import { openRegular } from '../files/regular.js'

/** An mbox open for reading, mostly from its start to its end, message by message: one read for many of them. */
export class Pages {
  readonly file: FileHandle
  readonly size: number
  readonly #buffer = Buffer.allocUnsafe(pageSize)
  /** What of the file stands in the buffer. */
  #from = 0
  #length = 0

  /** Undefined where there is no such file. */
  static async open(path: string): Promise<Pages | undefined> {
    const file = await openRegular(path)
    return file && new Pages(file, (await file.stat()).size)
  }

  private constructor(file: FileHandle, size: number) {
    this.file = file
    this.size = size
  }

  /** So many octets or more, unless the file ends before; at most a page. Valid until the next call. */
  async at(offset: number, octets: number): Promise<Buffer> {
    const held = this.#from <= offset && offset + octets <= this.#from + this.#length
    if (!held) {
      this.#from = offset
      this.#length = 0
      while (this.#length < octets) {
        const room = pageSize - this.#length
        const { bytesRead } = await this.file.read(this.#buffer, this.#length, room, offset + this.#length)
        if (bytesRead === 0) break
        this.#length += bytesRead
      }
    }
    return this.#buffer.subarray(offset - this.#from, this.#length)
  }

  /** Each part is valid until the next one. */
  async *octets(from: number, end: number): AsyncIterable<Buffer> {
    for (let at = from; at < end;) {
      const part = (await this.at(at, 1)).subarray(0, end - at)
      if (part.length === 0) return
      yield part
      at += part.length
    }
  }

  /** Whether a From_ line stands here, at the start of a line. */
  async startsMessage(offset: number): Promise<boolean> {
    const before = Math.min(offset, 1)
    const start = (await this.at(offset - before, before + 5)).toString('latin1', 0, before + 5)
    return offset === 0 ? start === 'From ' : start === '\nFrom '
  }

  /** The offset behind so many lines; the lines that mboxes put before a message are short. */
  async behindLines(offset: number, count: number): Promise<number> {
    const text = await this.at(offset, longestLines)
    let at = 0
    for (let line = 0; line < count; line++) {
      const newline = text.indexOf(lf, at)
      if (newline < 0) return offset + text.length
      at = newline + 1
    }
    return offset + at
  }

  async close(): Promise<void> {
    await this.file.close()
  }
}

const pageSize = 1024 * 1024
const longestLines = 2048
const lf = 0x0a
