import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../files/durable.js'
import type { Contents, Progress, ReadBack, Receipt } from '../ports/target.js'
import { Library } from './eml-zip-library.js'
import { isIntact, readHead, readRecords, type Staged, stagedBytes } from './eml-zip-record.js'
import { Segment } from './eml-zip-segment.js'
import { parseStanding } from './eml-zip-standing.js'

export interface ReadBackPlace {
  /** Where receipts that name no archive are. */
  readonly archive: string
  /** The staging of all lanes. */
  readonly staging: string
  readonly progress: Progress
}

/** Looks for each receipt's message in the volumes, and for those that are in none in the staging. */
export async function* readBack(place: ReadBackPlace, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
  const libraries = new Map<string, Library>()
  let staged: ReadonlyMap<string, Staged> | undefined
  try {
    for await (const { key, sha256, where } of receipts) {
      const slash = where.lastIndexOf('/')
      const archive = slash < 0 ? place.archive : where.slice(0, slash)
      const name = where.slice(slash + 1)
      const library = libraries.get(archive) ?? (await Library.open(archive))
      libraries.set(archive, library)
      const found = await library.read(name)
      if (found !== undefined) {
        yield { key, state: found === sha256 ? 'intact' : 'altered' }
        continue
      }
      staged ??= await waiting(place)
      const waits = staged.get(name)
      const state = !waits ? 'missing' : (await isIntact(waits)) && waits.sha256 === sha256 ? 'staged' : 'altered'
      yield { key, state }
    }
  } finally {
    for (const library of libraries.values()) library.close()
  }
}

/** The receipts' messages, from the volumes or, for those that are in none yet, from the staging. */
export async function* contentsOf(place: ReadBackPlace, receipts: AsyncIterable<Receipt>): AsyncIterable<Contents> {
  const libraries = new Map<string, Library>()
  let staged: ReadonlyMap<string, Staged> | undefined
  try {
    for await (const receipt of receipts) {
      const slash = receipt.where.lastIndexOf('/')
      const archive = slash < 0 ? place.archive : receipt.where.slice(0, slash)
      const name = receipt.where.slice(slash + 1)
      const library = libraries.get(archive) ?? (await Library.open(archive))
      libraries.set(archive, library)
      const chunks = await library.stream(name)
      if (chunks) {
        yield { receipt, chunks }
        continue
      }
      staged ??= await waiting(place)
      const waits = staged.get(name)
      if (waits) yield { receipt, chunks: stagedBytes(waits) }
    }
  } finally {
    for (const library of libraries.values()) library.close()
  }
}

/** By name. */
async function waiting({ staging, progress }: ReadBackPlace): Promise<ReadonlyMap<string, Staged>> {
  const records = new Map<string, Staged>()
  const standing = parseStanding(progress.position)
  if (!standing) return records
  const folder = join(staging, standing.staging)
  for (const entry of await readdir(folder).catch(nothing)) {
    if ((Segment.numberOf(entry) ?? 0) <= standing.sealed) continue
    const path = join(folder, entry)
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const from = (await readHead(file))?.end ?? size
      for await (const one of readRecords(file, { path, from, size })) records.set(one.name, one)
    } finally {
      await file.close()
    }
  }
  return records
}

function nothing(error: unknown): readonly string[] {
  if (errorCode(error) !== 'ENOENT') throw error
  return []
}
