import { createHash } from 'node:crypto'
import type { Entry } from 'yauzl'
import type { MessageKey } from '../ports/message.js'
import type { Accounted, OtherCopy, SoughtKeys } from '../ports/target.js'
import { Volume, volumesOf } from './eml-zip-library.js'
import { type ManifestEntry, readManifest } from './eml-zip-manifest.js'
import { contentsNames, keyPart, uniquePartOf } from './eml-zip-name.js'

export interface OthersPlace {
  readonly archive: string
  /** Receipts name the archive as well. */
  readonly series: boolean
  /** The account's first name. */
  readonly origin: string
  /** Manifests have the messages' own dates. */
  readonly dated: boolean
}

/** The messages of all volumes, and of those of a series that receipts name, that are not accounted for. */
export async function* otherEntries(
  { archive: here, series, origin, dated }: OthersPlace,
  { receipts, wants, keys }: Accounted,
): AsyncIterable<OtherCopy> {
  const archives = new Map<string, Set<number>>([[here, new Set()]])
  for await (const { where } of receipts) {
    const slash = where.lastIndexOf('/')
    const archive = slash < 0 ? here : where.slice(0, slash)
    const names = archives.get(archive) ?? new Set()
    archives.set(archive, names.add(numberOf(where.slice(slash + 1))))
  }
  const sought = { origin, dated, keys: keys ?? new Set<MessageKey>() }
  for (const [archive, accounted] of archives) {
    const seen = new Set<number>()
    const isWanted = ({ fileName, uncompressedSize: size }: Entry): boolean => {
      const name = numberOf(fileName)
      // One of each name; a volume that was copied holds the others.
      const counted = keys ? accounted.has(name) || seen.has(name) : accounted.delete(name)
      if (keys) seen.add(name)
      return !counted && !lists.has(fileName) && wants(size, size)
    }
    const volumes = await volumesOf(archive)
    // Of entries with one name, a receipt speaks of the last.
    for (const path of keys ? volumes.toReversed() : volumes) {
      for await (const { name, sha256, own } of entriesOf(path, isWanted, sought)) {
        const where = series ? `${archive}/${name}` : name
        yield { where, seen: `${path}: ${name}`, digests: [sha256], ...(own && { own }) }
      }
    }
  }
}

const lists: ReadonlySet<string> = new Set(contentsNames)

interface Sought extends Pick<OthersPlace, 'origin' | 'dated'> {
  readonly keys: SoughtKeys
}

/** The entries of a volume that are wanted and not damaged; nothing where it is no zip file. */
async function* entriesOf(
  path: string,
  isWanted: (entry: Entry) => boolean,
  { origin, dated, keys }: Sought,
): AsyncIterable<Pick<OtherCopy, 'own'> & { readonly name: string; readonly sha256: string }> {
  const volume = await Volume.open(path)
  if (!volume) return
  try {
    const listed = keys.size > 0 ? await manifestOf(volume) : new Map<string, ManifestEntry>()
    for (const [name, entry] of volume.entries) {
      if (!isWanted(entry)) continue
      const { key, sha256: then, date } = listed.get(name) ?? {}
      // The name says of which account the manifest speaks.
      const ours = key !== undefined && keys.has(key) && uniquePartOf(name)?.endsWith(keyPart(origin, key)) === true
      const head = new Beginning(longestHead)
      const found = await volume.read(entry, ours ? head.add : undefined)
      if (!found) continue
      const { sha256, size } = found
      yield {
        name,
        sha256,
        ...(ours &&
          sha256 === then && { own: { key, sha256, size, head: head.bytes, date: dated ? date : undefined } }),
      }
    }
  } finally {
    volume.close()
  }
}

/** Nothing where the volume has none that is one of ours. */
async function manifestOf(volume: Volume): Promise<ReadonlyMap<string, ManifestEntry>> {
  const entry = volume.entries.get(contentsNames[0])
  if (!entry || entry.uncompressedSize > largestManifest) return new Map()
  const text = new Beginning(largestManifest)
  return (await volume.read(entry, text.add)) ? readManifest(text.bytes.toString()) : new Map()
}

/** The first octets of what comes in pieces. */
class Beginning {
  readonly #most: number
  readonly #pieces: Uint8Array[] = []
  #size = 0

  constructor(most: number) {
    this.#most = most
  }

  readonly add = (piece: Uint8Array): void => {
    if (this.#size >= this.#most) return
    this.#pieces.push(Uint8Array.from(piece.subarray(0, this.#most - this.#size)))
    this.#size += piece.length
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }
}

const longestHead = 256 * 1024
const largestManifest = 64 * 1024 * 1024

/** 48 bits of a name. */
function numberOf(name: string): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, 6)
}
