import { createHash } from 'node:crypto'
import { type FileHandle, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { diskFault, errorCode } from '../files/durable.js'
import { inOrder } from '../files/in-order.js'
import { openRegular } from '../files/regular.js'
import { lfToCrlf, type Newline } from '../mail/line-ends.js'
import type { MessageKey } from '../ports/message.js'
import type { Accounted, Contents, OtherCopy, ReadBack, Receipt } from '../ports/target.js'
import { messageFiles } from './maildir-folder.js'
import { readCopy } from './maildir-form.js'
import { accountOf, accountPart, baseOf, dateIn, shortened, uniquePart } from './maildir-name.js'

/** Files that are read at once: what a disk and four threads make use of. */
const atOnce = 16
/** A Maildir in busy use need not be listed again for every file that moves meanwhile. */
const mostListings = 4

/** Reads back the receipts' files, wherever in the Maildir a mail reader has moved them and whatever flags it gave them. */
export async function* readBack(
  here: string,
  newline: Newline,
  receipts: AsyncIterable<Receipt>,
): AsyncIterable<ReadBack> {
  const folders = new Map<string, { files: Promise<Files>; listings: number }>()
  const read = async (receipt: Receipt): Promise<ReadBack['state']> => {
    const { folder, base } = parsePlace(receipt.where, here)
    const known = folders.get(folder) ?? { files: Files.in(folder), listings: 1 }
    folders.set(folder, known)
    const { files } = known
    const path = (await files).pathOf(base)
    if (path === undefined) return 'missing'
    const state = await compare(path, receipt, newline)
    if (state !== 'missing') return state
    // A mail reader has moved it since the folder was listed.
    if (known.files === files && known.listings++ < mostListings) known.files = Files.in(folder)
    const now = (await known.files).pathOf(base)
    return now === undefined ? 'missing' : compare(now, receipt, newline)
  }
  yield* inOrder(receipts, atOnce, async (receipt) => {
    try {
      return { key: receipt.key, state: await read(receipt) }
    } catch (error) {
      throw diskFault(error, 'read', parsePlace(receipt.where, here).folder)
    }
  })
}

/** The receipts' messages, with the line ends that they came with. */
export async function* contentsOf(
  here: string,
  newline: Newline,
  receipts: AsyncIterable<Receipt>,
): AsyncIterable<Contents> {
  const folders = new Map<string, Promise<Files>>()
  for await (const receipt of receipts) {
    const { folder, base } = parsePlace(receipt.where, here)
    const files = folders.get(folder) ?? Files.in(folder)
    folders.set(folder, files)
    const path = (await files).pathOf(base)
    const file = path === undefined ? undefined : await openRegular(path)
    if (!file) continue
    try {
      yield { receipt, chunks: originalParts(file, newline) }
    } finally {
      await file.close()
    }
  }
}

async function* originalParts(file: FileHandle, newline: Newline): AsyncIterable<Uint8Array> {
  const buffer = Buffer.allocUnsafe(partSize)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
    if (bytesRead === 0) return
    const part = buffer.subarray(0, bytesRead)
    yield newline === 'lf' ? lfToCrlf(part) : part
  }
}

const partSize = 64 * 1024

async function compare(path: string, receipt: Receipt, newline: Newline): Promise<'intact' | 'altered' | 'missing'> {
  try {
    const copy = await readCopy(path, newline, { expected: receipt.size })
    if (!copy) return 'missing'
    const same = receipt.stored === undefined ? copy.sha256 === receipt.sha256 : copy.stored === receipt.stored
    return same ? 'intact' : 'altered'
  } catch (error) {
    // The disk has lost this one; the others may still be there.
    if (errorCode(error) === 'EIO') return 'altered'
    throw error
  }
}

interface Surroundings {
  readonly here: string
  readonly newline: Newline
  /** Receipts name the folder as well. */
  readonly series: boolean
  /** The account's first name. */
  readonly origin: string
  /** Names begin with the messages' own dates. */
  readonly dated: boolean
}

/** The messages that are not accounted for: in the Maildir, and in the folders of a series that receipts name. */
export async function* otherFiles(
  { here, newline, series, origin, dated }: Surroundings,
  { receipts, wants, keys }: Accounted,
): AsyncIterable<OtherCopy> {
  const folders = new Set([here])
  const accounted = new Set<number>()
  const owners = new Map<number, MessageKey>()
  for (const key of keys?.keys() ?? []) owners.set(shortened(accountPart(origin, key)), key)
  const ownerOf = (unique: string | undefined): MessageKey | undefined => {
    const account = accountOf(unique)
    const key = owners.get(shortened(account))
    return key !== undefined && accountPart(origin, key) === account ? key : undefined
  }
  for await (const { where } of receipts) {
    const { folder, base } = parsePlace(where, here)
    folders.add(folder)
    accounted.add(hash(folder, base))
  }
  for (const folder of folders) {
    const files = unaccounted(folder, (base) => accounted.delete(hash(folder, base)))
    const copies = inOrder(files, atOnce, async ({ base, path }): Promise<OtherCopy | undefined> => {
      try {
        const { size } = await stat(path)
        if (!wants(size, newline === 'lf' ? 2 * size : size)) return undefined
        const unique = uniquePart(base)
        const key = ownerOf(unique)
        const copy = await readCopy(path, newline, { expected: size, withHead: key !== undefined })
        if (!copy) return undefined
        const { sha256, stored, size: octets, head } = copy
        // Its bytes are the ones that the name was made for.
        const isOwn = key !== undefined && head && unique?.endsWith(sha256.slice(0, 20))
        const own = isOwn && { own: { key, sha256, size: octets, date: dated ? dateIn(base) : undefined, head } }
        return { where: series ? `${folder}/${base}` : base, seen: path, digests: [sha256, stored], ...own }
      } catch (error) {
        if (['ENOENT', 'EIO'].includes(errorCode(error))) return undefined
        throw diskFault(error, 'read', folder)
      }
    })
    for await (const copy of copies) if (copy) yield copy
  }
}

/** One file of each accounted name is left out; a second one in the other folder is not. */
async function* unaccounted(
  folder: string,
  isAccounted: (base: string) => boolean,
): AsyncIterable<{ readonly base: string; readonly path: string }> {
  for await (const { name, path } of messageFiles(folder)) {
    const base = baseOf(name)
    if (!isAccounted(base)) yield { base, path }
  }
}

/** Where the files of one folder are, for half a million of them: a number for the name, and one for what is around it. */
class Files {
  readonly #folder: string
  readonly #ways = new Map<number, number>()
  /** `new/` or `cur/`, and the info part. */
  readonly #around: { readonly part: string; readonly info: string }[] = []
  readonly #numbers = new Map<string, number>()

  static async in(folder: string): Promise<Files> {
    const files = new Files(folder)
    for await (const { name, path } of messageFiles(folder)) files.#add(name, path)
    return files
  }

  private constructor(folder: string) {
    this.#folder = folder
  }

  pathOf(base: string): string | undefined {
    const way = this.#around[this.#ways.get(hash(this.#folder, base)) ?? -1]
    return way && join(this.#folder, way.part, `${base}${way.info}`)
  }

  #add(name: string, path: string): void {
    const base = baseOf(name)
    const part = path.slice(this.#folder.length + 1, this.#folder.length + 4)
    const info = name.slice(base.length)
    const around = `${part}${info}`
    const number = this.#numbers.get(around) ?? this.#around.push({ part, info }) - 1
    this.#numbers.set(around, number)
    this.#ways.set(hash(this.#folder, base), number)
  }
}

/** 48 bits: two names of a folder that share them are a matter of one in a thousand years, and then are read as well. */
function hash(folder: string, base: string): number {
  return createHash('sha256').update(`${folder}/${base}`).digest().readUIntBE(0, 6)
}

/** The name, and in a series the folder before it. */
function parsePlace(where: string, here: string): { readonly folder: string; readonly base: string } {
  const slash = where.lastIndexOf('/')
  return { folder: slash < 0 ? here : where.slice(0, slash), base: where.slice(slash + 1) }
}
