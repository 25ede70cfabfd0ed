import { createHash } from 'node:crypto'
import { MboxDecoder, type MboxForm } from '../mail/mbox.js'
import { withoutReaderLines } from '../mail/reader-lines.js'
import type { Contents, OtherCopy, ReadBack, Receipt } from '../ports/target.js'
import { Pages } from './mbox-pages.js'
import { type Extent, extent, fromLines } from './mbox-scan.js'

/** An mbox, or of a series the present one. */
export interface WholeMbox {
  readonly path: string
  readonly form: MboxForm
  /** Receipts name the path as well. */
  readonly series: boolean
}

/** Reads back what stands where the receipts say; in their order, which is mostly that of the file. */
export async function* readBack(mbox: WholeMbox, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
  let current: { readonly path: string; readonly pages: Pages | undefined } | undefined
  try {
    for await (const receipt of receipts) {
      const place = parsePlace(receipt.where, mbox.path)
      if (current?.path !== place.path) {
        await current?.pages?.close()
        current = { path: place.path, pages: await Pages.open(place.path) }
      }
      const state = current.pages ? await compare(current.pages, place, receipt, mbox.form) : 'missing'
      yield { key: receipt.key, state }
    }
  } finally {
    await current?.pages?.close()
  }
}

async function compare(pages: Pages, place: Extent, receipt: Receipt, form: MboxForm): Promise<ReadBack['state']> {
  // Cut off, or everything has moved: then it stands elsewhere, if at all.
  if (place.end > pages.size || !(await pages.startsMessage(place.from))) return 'missing'
  const { stored, sha256, flags } = receipt
  const decoder = new MboxDecoder(form, flags.includes('newline-added'))
  const hash = createHash('sha256')
  for await (const part of pages.octets(await bodyStart(pages, place, form), place.end)) {
    hash.update(stored === undefined ? decoder.push(part) : part)
  }
  if (stored === undefined) hash.update(decoder.end())
  const expected = stored ?? sha256
  if (hash.digest('hex') === expected) return 'intact'
  return (await digestsOf(pages, place, form)).includes(expected) ? 'intact' : 'altered'
}

/** The receipts' messages, without quoting and with the line ends that they came with. */
export async function* contentsOf(mbox: WholeMbox, receipts: AsyncIterable<Receipt>): AsyncIterable<Contents> {
  for await (const receipt of receipts) {
    const place = parsePlace(receipt.where, mbox.path)
    const pages = await Pages.open(place.path)
    try {
      if (!pages || place.end > pages.size || !(await pages.startsMessage(place.from))) continue
      yield { receipt, chunks: originalParts(pages, place, receipt, mbox.form) }
    } finally {
      await pages?.close()
    }
  }
}

async function* originalParts(
  pages: Pages,
  place: Extent,
  { flags }: Receipt,
  form: MboxForm,
): AsyncIterable<Uint8Array> {
  const decoder = new MboxDecoder(form, flags.includes('newline-added'))
  for await (const part of pages.octets(await bodyStart(pages, place, form), place.end)) yield decoder.push(part)
  yield decoder.end()
}

/** The messages between and beside those of the receipts, in the present file and in those that receipts name. */
export async function* otherMessages(mbox: WholeMbox, receipts: AsyncIterable<Receipt>): AsyncIterable<OtherCopy> {
  const files = new Map<string, Extent[]>([[mbox.path, []]])
  for await (const { where } of receipts) {
    const { path, from, end } = parsePlace(where, mbox.path)
    const extents = files.get(path) ?? []
    files.set(path, extents)
    extents.push({ from, end })
  }
  for (const [path, extents] of files) {
    const pages = await Pages.open(path)
    if (!pages) continue
    try {
      for await (const found of unaccounted(pages, extents, mbox.form)) {
        const { from, end } = found
        const where = `${from}+${end - from}${mbox.series ? ` ${path}` : ''}`
        const seen = `octet ${from} of ${path}`
        yield { where, seen, digests: await digestsOf(pages, found, mbox.form), start: startText(from, path) }
      }
    } finally {
      await pages.close()
    }
  }
}

/** Where a receipt's message starts: once one before it is removed, another stands there. */
export function startOf({ where }: Receipt, present: string): string {
  const { from, path } = parsePlace(where, present)
  return startText(from, path)
}

function startText(from: number, path: string): string {
  return `${from} ${path}`
}

async function* unaccounted(pages: Pages, extents: Extent[], form: MboxForm): AsyncIterable<Extent> {
  extents.sort((one, other) => one.from - other.from)
  let from = 0
  for (const next of [...extents, { from: pages.size, end: pages.size }]) {
    // Between two of ours there is a blank line.
    if (next.from - from > blankLine) yield* messagesIn(pages, { from, end: next.from }, form)
    from = Math.max(from, next.end)
  }
}

async function* messagesIn(pages: Pages, { from, end }: Extent, form: MboxForm): AsyncIterable<Extent> {
  const starts = await fromLines(pages.file, from, end)
  for (let index = 0; index < starts.length; index++) {
    const start = starts[index] ?? end
    // A length says where a message ends that quotes nothing.
    const least = form.variant === 'mboxcl2' ? await statedEnd(pages, start) : 0
    while ((starts[index + 1] ?? end) < least) index++
    yield extent(pages.file, start, starts[index + 1] ?? end)
  }
}

/** Where the message's own Content-Length says that it ends; 0 where there is none. */
async function statedEnd(pages: Pages, start: number): Promise<number> {
  const head = (await pages.at(start, largestHeader)).subarray(0, largestHeader).toString('latin1')
  const [, octets] = /^From [^\n]*\nContent-Length: (\d{1,15})\r?\n/.exec(head) ?? []
  const header = /\n\r?\n/.exec(head)
  return octets === undefined || !header ? 0 : start + header.index + header[0].length + Number(octets)
}

/** By what a receipt may know the message: with its final newline and without, as it is stored, without readers' notes. */
async function digestsOf(pages: Pages, { from, end }: Extent, form: MboxForm): Promise<readonly string[]> {
  const start = await bodyStart(pages, { from, end }, form)
  const head = (await pages.at(start, Math.min(largestHeader, end - start))).subarray(0, end - start)
  const headEnd = start + head.length
  const cleaned = withoutReaderLines(head)
  // Before the page that it stands on is read over.
  const ways = [{ head: Uint8Array.from(head) }, ...(cleaned ? [{ head: cleaned }] : [])].map(({ head }) => {
    const way = new Way(form)
    way.push(head)
    return way
  })
  for await (const part of pages.octets(headEnd, end)) for (const way of ways) way.push(part)
  return ways.flatMap((way) => way.digests())
}

/** One way to read a message's stored octets. */
class Way {
  readonly #stored = createHash('sha256')
  readonly #kept: { readonly decoder: MboxDecoder; readonly hash: ReturnType<typeof createHash> }
  readonly #added: { readonly decoder: MboxDecoder; readonly hash: ReturnType<typeof createHash> }

  constructor(form: MboxForm) {
    this.#kept = { decoder: new MboxDecoder(form, false), hash: createHash('sha256') }
    this.#added = { decoder: new MboxDecoder(form, true), hash: createHash('sha256') }
  }

  push(part: Uint8Array): void {
    this.#stored.update(part)
    for (const { decoder, hash } of [this.#kept, this.#added]) hash.update(decoder.push(part))
  }

  digests(): readonly string[] {
    for (const { decoder, hash } of [this.#kept, this.#added]) hash.update(decoder.end())
    return [this.#kept.hash, this.#added.hash, this.#stored].map((hash) => hash.digest('hex'))
  }
}

/** Behind the From_ line, and what mboxcl2 puts below it. */
async function bodyStart(pages: Pages, { from, end }: Extent, { variant }: MboxForm): Promise<number> {
  return Math.min(end, await pages.behindLines(from, variant === 'mboxcl2' ? 2 : 1))
}

interface Place extends Extent {
  readonly path: string
}

/** `<offset>+<length>`, and in a series the path behind a blank. */
function parsePlace(where: string, path: string): Place {
  const match = /^(\d+)\+(\d+)(?: (.*))?$/s.exec(where)
  const from = Number(match?.[1])
  return { path: match?.[3] ?? path, from, end: from + Number(match?.[2]) }
}

const blankLine = 2
const largestHeader = 256 * 1024
