import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, type FaultCode } from '../ports/fault.js'
import type { Spool, SpoolFile } from '../ports/spool.js'
import { diskFault, errorCode, makeDirectory } from './durable.js'

/** Opens the folder for large messages, 0700, and removes what a killed run left there. The caller holds the state's lock. */
export async function openSpool(folder: string): Promise<Spool> {
  try {
    await makeDirectory(folder, 0o700)
    const leftovers = (await readdir(folder)).filter((name) => pattern.test(name))
    await Promise.all(leftovers.map(async (name) => unlink(join(folder, name))))
  } catch (error) {
    throw spoolFault(error, 'prepare', folder)
  }
  return { create: () => new File(join(folder, `${randomBytes(8).toString('hex')}.spool`)) }
}

const pattern = /^[0-9a-f]{16}\.spool$/

class File implements SpoolFile {
  readonly #path: string
  #handle: Promise<FileHandle> | undefined

  constructor(path: string) {
    this.#path = path
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      this.#handle ??= open(this.#path, 'wx', 0o600)
      const handle = await this.#handle
      for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done)).bytesWritten
    } catch (error) {
      throw spoolFault(error, 'write', this.#path)
    }
  }

  async *open(): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of createReadStream(this.#path, { highWaterMark: 256 * 1024 })) yield chunk as Uint8Array
    } catch (error) {
      throw spoolFault(error, 'read', this.#path)
    }
  }

  async remove(): Promise<void> {
    try {
      await (await this.#handle)?.close()
      await unlink(this.#path)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw spoolFault(error, 'remove', this.#path)
    }
  }
}

/** A disk without room for a message stops that message alone, of which nothing stays; anything else concerns the whole run. */
export function spoolFault(error: unknown, action: string, path: string): Fault {
  if (error instanceof Fault) return error
  const { code, message } = diskFault(error, action, path)
  return new Fault(noRoom.has(code) ? 'spool-full' : 'state-failed', message, { cause: error })
}

const noRoom: ReadonlySet<FaultCode> = new Set(['disk-full', 'file-full'])
