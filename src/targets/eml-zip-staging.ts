import { readdir, unlink } from 'node:fs/promises'
import { diskFault, errorCode, makeDirectory, syncDirectory } from '../files/durable.js'
import { Fault } from '../ports/fault.js'
import type { Staged, StagedFacts } from './eml-zip-record.js'
import { damagedHint, type Found, Segment } from './eml-zip-segment.js'

/** How far the staging is committed: all segments before this one, and so many octets of it. */
export interface Mark {
  readonly segment: number
  readonly octets: number
}

export interface SegmentLimits {
  /** A segment takes no more messages once it has passed this size. */
  readonly octets: number
  readonly entries: number
}

/**
 * The messages that wait for their volume: synced files in the state folder, one for each volume to be. Only this lane
 * writes there, one message after the other, so what a dead run left is a prefix of what it announced.
 */
export class Staging {
  readonly #folder: string
  readonly #limits: SegmentLimits
  /** In order; only the last one grows. */
  readonly #segments: Segment[]
  #committed: Mark | undefined
  /** Numbers start behind everything that ever was. */
  #next: number
  /** The folder's entries changed since the last commit. */
  #touched = false

  /** Opens what is there. Segments up to `sealed` are history. */
  static async open(
    folder: string,
    { committed, sealed, limits }: { committed?: Mark | undefined; sealed: number; limits: SegmentLimits },
    found: Found,
  ): Promise<Staging> {
    const numbers = (await segmentNumbers(folder)).filter((number) => number > sealed)
    const segments: Segment[] = []
    try {
      for (const number of numbers) {
        const octets = octetsCommitted(committed, number)
        const segment = await Segment.open({ folder, number, committed: octets }, found)
        if (segment) segments.push(segment)
        else if (octets === 0) await unlink(Segment.pathOf(folder, number))
      }
      requireWhole(folder, { committed, sealed, segments })
    } catch (error) {
      for (const segment of segments) await segment.close()
      throw error
    }
    return new Staging(folder, { limits, segments, committed, next: (segments.at(-1)?.number ?? sealed) + 1 })
  }

  private constructor(
    folder: string,
    parts: { limits: SegmentLimits; segments: Segment[]; committed: Mark | undefined; next: number },
  ) {
    this.#folder = folder
    this.#limits = parts.limits
    this.#segments = parts.segments
    this.#committed = parts.committed
    this.#next = parts.next
  }

  get committed(): Mark | undefined {
    return this.#committed
  }

  /** Octets of the volumes that wait to be built, at most. */
  get size(): number {
    return this.#segments.reduce((sum, { volumeSize }) => sum + volumeSize, 0)
  }

  /** What is to become a volume now: segments that are full or of another archive, and at the end of a run all. */
  due(archive: string, last: boolean): readonly Segment[] {
    return this.#segments.filter((segment, index) => {
      const closed = index < this.#segments.length - 1
      return closed || last || !this.#takes(segment, archive)
    })
  }

  /** Appends a message that is to stand in a volume of this archive. */
  async append(facts: StagedFacts, chunks: AsyncIterable<Uint8Array>, archive: string): Promise<Staged> {
    return (await this.#current(archive)).append(facts, chunks)
  }

  async commit(): Promise<void> {
    for (const segment of this.#segments) await segment.sync()
    if (this.#touched) await syncDirectory(this.#folder)
    this.#touched = false
    const last = this.#segments.at(-1)
    if (last) this.#committed = { segment: last.number, octets: last.size }
  }

  /** Its messages stand in a volume, and the ledger knows that. */
  async remove(segment: Segment): Promise<void> {
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    await segment.close()
    await unlink(segment.path)
  }

  async close(): Promise<void> {
    for (const segment of this.#segments.splice(0)) await segment.close()
  }

  async #current(archive: string): Promise<Segment> {
    const last = this.#segments.at(-1)
    if (last && this.#takes(last, archive)) return last
    await makeDirectory(this.#folder, 0o700)
    const segment = await Segment.create(this.#folder, this.#next++, archive)
    this.#segments.push(segment)
    this.#touched = true
    return segment
  }

  #takes(segment: Segment, archive: string): boolean {
    const { octets, entries } = this.#limits
    return segment.archive === archive && segment.size <= octets && segment.entries < entries
  }
}

/** Removes what stands in volumes by now. */
export async function removeSealed(folder: string, sealed: number): Promise<void> {
  for (const number of await segmentNumbers(folder)) {
    if (number <= sealed) await unlink(Segment.pathOf(folder, number))
  }
}

async function segmentNumbers(folder: string): Promise<readonly number[]> {
  try {
    const numbers = (await readdir(folder)).map((name) => Segment.numberOf(name))
    return numbers.filter((number) => number !== undefined).sort((a, b) => a - b)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw diskFault(error, 'read', folder)
  }
}

function octetsCommitted(committed: Mark | undefined, number: number): number {
  if (!committed || number > committed.segment) return 0
  // Of an earlier one nothing is in doubt, except its end, which only the segment knows.
  return number === committed.segment ? committed.octets : Infinity
}

/** Messages with receipts must be there: a restored ledger without its staging would lose them without a word. */
function requireWhole(
  folder: string,
  { committed, sealed, segments }: { committed: Mark | undefined; sealed: number; segments: readonly Segment[] },
): void {
  if (!committed || committed.segment <= sealed) return
  const last = segments[committed.segment - sealed - 1]
  if (last?.number === committed.segment && last.size >= committed.octets) return
  throw new Fault('target-gone', `messages that were waiting in ${folder} for their volume are gone`, {
    hint: damagedHint,
  })
}
