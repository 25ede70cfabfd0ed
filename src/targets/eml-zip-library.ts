import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import crc32 from 'crc-32'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { errorCode } from '../files/durable.js'

/** The path of a volume: NAME.zip, NAME-0002.zip, … */
export function volumePath(archive: string, number: number): string {
  return number === 1
    ? archive
    : `${archive.slice(0, -extension.length)}-${String(number).padStart(4, '0')}${extension}`
}

/** The volumes of an archive that are there, whoever wrote them, in their order. */
export async function volumesOf(archive: string): Promise<readonly string[]> {
  let names: readonly string[]
  try {
    names = await readdir(dirname(archive))
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return []
    throw error
  }
  const first = basename(archive)
  const start = `${first.slice(0, -extension.length)}-`
  const numbers = names.flatMap((name) => {
    if (name === first) return [1]
    if (!name.startsWith(start) || !name.endsWith(extension)) return []
    const digits = name.slice(start.length, -extension.length)
    return /^\d{4,9}$/.test(digits) && Number(digits) > 1 ? [Number(digits)] : []
  })
  return numbers.sort((a, b) => a - b).map((number) => join(dirname(archive), basename(volumePath(archive, number))))
}

const extension = '.zip'

/** One zip file, open for reading. */
export class Volume {
  readonly #zip: ZipFile
  /** In the order of its directory. */
  readonly entries: ReadonlyMap<string, Entry>

  /** Undefined where there is no such file, or it is no zip file. */
  static async open(path: string): Promise<Volume | undefined> {
    let zip: ZipFile
    try {
      // A pipe in its place would keep us waiting for somebody to write to it.
      if (!(await stat(path)).isFile()) return undefined
      zip = await openPromise(path, { lazyEntries: true, autoClose: false })
    } catch (error) {
      // The system's errors have codes, those of the format have none.
      if (errorCode(error) === '' || errorCode(error) === 'ENOENT' || errorCode(error) === 'EISDIR') return undefined
      throw error
    }
    try {
      const entries = new Map<string, Entry>()
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)
      return new Volume(zip, entries)
    } catch (error) {
      zip.close()
      if (errorCode(error) === '') return undefined
      throw error
    }
  }

  private constructor(zip: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.#zip = zip
    this.entries = entries
  }

  /** SHA-256 and octets of what the entry holds; undefined where it is damaged. `look` sees all of it. */
  async read(
    entry: Entry,
    look?: (chunk: Uint8Array) => void,
  ): Promise<{ readonly sha256: string; readonly size: number } | undefined> {
    const hash = createHash('sha256')
    let crc = 0
    let size = 0
    try {
      for await (const chunk of await this.#zip.openReadStreamPromise(entry)) {
        const bytes = chunk as Uint8Array
        hash.update(bytes)
        look?.(bytes)
        crc = crc32.buf(bytes, crc)
        size += bytes.length
      }
    } catch (error) {
      if (damage.test(errorCode(error))) return undefined
      throw error
    }
    return crc >>> 0 === entry.crc32 && size === entry.uncompressedSize
      ? { sha256: hash.digest('hex'), size }
      : undefined
  }

  /** What the entry holds; ends early where it is damaged. */
  async *stream(entry: Entry): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of await this.#zip.openReadStreamPromise(entry)) yield chunk as Uint8Array
    } catch (error) {
      if (!damage.test(errorCode(error))) throw error
    }
  }

  close(): void {
    this.#zip.close()
  }
}

/** zlib's errors have codes of their own, those of the format have none. */
const damage = /^(Z_.*)?$/

/** Finds messages in the volumes of one archive; holds one of them open. */
export class Library {
  readonly #paths: readonly string[]
  /** Which volume holds an entry. */
  readonly #volumes: ReadonlyMap<string, number>
  #open: { readonly index: number; readonly volume: Volume | undefined } | undefined

  /** `after`: only the volumes with higher numbers. */
  static async open(archive: string, after = 0): Promise<Library> {
    const known = new Set(Array.from({ length: after }, (_, index) => volumePath(archive, index + 1)))
    const paths = (await volumesOf(archive)).filter((path) => !known.has(path))
    const volumes = new Map<string, number>()
    for (const [index, path] of paths.entries()) {
      const volume = await Volume.open(path)
      for (const name of volume?.entries.keys() ?? []) volumes.set(name, index)
      volume?.close()
    }
    return new Library(paths, volumes)
  }

  private constructor(paths: readonly string[], volumes: ReadonlyMap<string, number>) {
    this.#paths = paths
    this.#volumes = volumes
  }

  get names(): Iterable<string> {
    return this.#volumes.keys()
  }

  /** The digest of what the archive holds under this name, empty where it is damaged; undefined where there is nothing. */
  async read(name: string): Promise<string | undefined> {
    const found = await this.#find(name)
    return found && ((await found.volume.read(found.entry))?.sha256 ?? '')
  }

  /** What the archive holds under this name; undefined where there is nothing. */
  async stream(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const found = await this.#find(name)
    return found?.volume.stream(found.entry)
  }

  async #find(name: string): Promise<{ readonly volume: Volume; readonly entry: Entry } | undefined> {
    const index = this.#volumes.get(name)
    if (index === undefined) return undefined
    if (this.#open?.index !== index) {
      this.close()
      this.#open = { index, volume: await Volume.open(this.#paths[index] ?? '') }
    }
    const { volume } = this.#open
    const entry = volume?.entries.get(name)
    return volume && entry && { volume, entry }
  }

  close(): void {
    this.#open?.volume?.close()
    this.#open = undefined
  }
}
