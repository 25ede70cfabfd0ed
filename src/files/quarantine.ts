import { createReadStream } from 'node:fs'
import { readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../ports/clock.js'
import type { QuarantineFolder } from '../ports/quarantine.js'
import { createStreamedFile, privateMode } from './create-file.js'
import { errorCode, makeDirectory, syncDirectory } from './durable.js'
import { spoolFault } from './spool.js'

/** The quarantine in this folder, which is created when the first message needs it. The caller holds the state's lock. */
export function openQuarantine(folder: string, clock: Pick<Clock, 'now'>): QuarantineFolder {
  return new Folder(folder, clock)
}

class Folder implements QuarantineFolder {
  readonly #path: string
  readonly #clock: Pick<Clock, 'now'>

  constructor(path: string, clock: Pick<Clock, 'now'>) {
    this.#path = path
    this.#clock = clock
  }

  async put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const place = this.#place(name)
    const draft = place.replace(/[.]eml$/, '.draft')
    try {
      await makeDirectory(this.#path, 0o700)
      const facts = { mode: privateMode, mtime: this.#clock.now(), owner: undefined }
      await createStreamedFile({ draft, place, ...facts }, chunks)
      await syncDirectory(this.#path)
    } catch (error) {
      throw spoolFault(error, 'write', place)
    }
  }

  async *open(name: string): AsyncIterable<Uint8Array> {
    const place = this.#place(name)
    try {
      for await (const chunk of createReadStream(place, { highWaterMark: 256 * 1024 })) yield chunk as Uint8Array
    } catch (error) {
      throw spoolFault(error, 'read', place)
    }
  }

  async remove(name: string): Promise<void> {
    const place = this.#place(name)
    try {
      await unlink(place)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw spoolFault(error, 'remove', place)
    }
  }

  async sweep(kept: ReadonlySet<string>): Promise<void> {
    await this.#tidy(async () => {
      for (const name of await this.#without(kept)) await unlink(join(this.#path, name))
    })
  }

  async setAside(kept: ReadonlySet<string>): Promise<number> {
    let count = 0
    await this.#tidy(async () => {
      const names = await this.#without(kept)
      for (const name of names) {
        const place = join(this.#path, name)
        if (name.endsWith('.draft')) await unlink(place)
        else {
          await rename(place, join(this.#path, `unclaimed-${name}`))
          count++
        }
      }
      if (names.length > 0) await syncDirectory(this.#path)
    })
    return count
  }

  async #without(kept: ReadonlySet<string>): Promise<readonly string[]> {
    return (await readdir(this.#path)).filter((name) => pattern.test(name) && !kept.has(name))
  }

  async #tidy(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw spoolFault(error, 'tidy', this.#path)
    }
  }

  #place(name: string): string {
    if (!pattern.test(name)) throw new RangeError(`no name for a message: ${name}`)
    return join(this.#path, name)
  }
}

/** What `quarantineName` of the pipeline makes, and its draft. */
const pattern = /^[0-9a-f]{32}-[0-9a-f]{32}[.](?:eml|draft)$/
