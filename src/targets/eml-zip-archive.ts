import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { type Readable, Writable } from 'node:stream'
import { ZipArchive } from 'archiver'

export interface ArchiveEntry {
  readonly name: string
  /** ms since 1970; zip files know 1980 to 2107 alone. */
  readonly date: number
  readonly size: number
}

/**
 * Writes a zip file through archiver, an entry at a time, so that what waits for a slow disk stays small: without
 * compression archiver takes whatever it is given (measured), and its directory needs 10 KB an entry at the end.
 */
export class ArchiveFile {
  readonly #archive: ZipArchive
  readonly #sink: Sink
  readonly #stored: boolean
  #handed = 0
  #failure: Error | undefined
  #waiter: { resolve(): void; reject(error: Error): void } | undefined

  constructor(file: FileHandle, { compression, zip64 }: { readonly compression: number; readonly zip64: boolean }) {
    this.#stored = compression === 0
    this.#archive = new ZipArchive({ store: this.#stored, zlib: { level: compression }, forceZip64: zip64 })
    this.#sink = new Sink(file)
    const fail = (error: Error): void => {
      this.#failure ??= error
      this.#waiter?.reject(error)
    }
    this.#archive.on('error', fail)
    this.#archive.on('warning', fail)
    this.#sink.on('error', fail)
    this.#archive.on('entry', () => this.#waiter?.resolve())
    this.#archive.pipe(this.#sink)
  }

  /** Resolves when the archive has taken all of it. */
  async add(source: Readable | Buffer, { name, date, size }: ArchiveEntry): Promise<void> {
    if (!Buffer.isBuffer(source)) source.on('error', (error: Error) => this.#waiter?.reject(error))
    await this.#settled(() => {
      this.#archive.append(source, { name, date: new Date(Math.max(date, firstDate)), mode: 0o100644 })
    })
    if (!this.#stored) return
    this.#handed += size
    await this.#sink.drained(this.#handed - window)
    if (this.#failure) throw this.#failure
  }

  /** Writes the directory; resolves with the SHA-256 of the file, which is not synced yet. */
  async finish(): Promise<string> {
    await this.#settled(() => {
      this.#sink.once('finish', () => this.#waiter?.resolve())
      void this.#archive.finalize().catch((error: unknown) => {
        this.#waiter?.reject(error instanceof Error ? error : new Error(String(error)))
      })
    })
    return this.#sink.digest()
  }

  /** Gives up: nothing is written any more once this has settled. */
  async abort(): Promise<void> {
    this.#archive.unpipe(this.#sink)
    this.#archive.abort()
    await this.#sink.stop()
  }

  /** One waiter at a time instead of a race against a promise for failures, which would remember every entry. */
  async #settled(start: () => void): Promise<void> {
    if (this.#failure) throw this.#failure
    await new Promise<void>((resolve, reject) => {
      this.#waiter = { resolve, reject }
      start()
    })
    this.#waiter = undefined
  }
}

const firstDate = Date.UTC(1980, 0, 1)

/** Octets that may wait for the disk. */
const window = 8 * 1024 * 1024

/** The file, from its start, and its digest. */
class Sink extends Writable {
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #written = 0
  #busy: Promise<void> | undefined
  #wake: (() => void) | undefined

  constructor(file: FileHandle) {
    super({ highWaterMark: 1024 * 1024 })
    this.#file = file
    const wake = (): void => this.#wake?.()
    this.on('error', wake)
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#busy = this.#store([chunk]).then(
      () => {
        done()
      },
      (error: unknown) => {
        done(error as Error)
      },
    )
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#busy = this.#store(chunks.map(({ chunk }) => chunk)).then(
      () => {
        done()
      },
      (error: unknown) => {
        done(error as Error)
      },
    )
  }

  /** Resolves when so many octets are written, or none will be any more. */
  async drained(octets: number): Promise<void> {
    while (this.#written < octets && !this.errored) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  digest(): string {
    return this.#hash.digest('hex')
  }

  async stop(): Promise<void> {
    this.destroy()
    await this.#busy
  }

  async #store(chunks: readonly Uint8Array[]): Promise<void> {
    // The directory comes as many thousand pieces of a few octets.
    const [first] = chunks
    const bytes = chunks.length === 1 && first ? first : Buffer.concat(chunks)
    this.#hash.update(bytes)
    for (let done = 0; done < bytes.length;) {
      done += (await this.#file.write(bytes, done, bytes.length - done, this.#written + done)).bytesWritten
    }
    this.#written += bytes.length
    this.#wake?.()
  }
}

/** SHA-256 of a file as it stands on the disk. */
export async function fileDigest(path: string, gotOn: () => void = () => undefined): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Uint8Array)
    gotOn()
  }
  return hash.digest('hex')
}
