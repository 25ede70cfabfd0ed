import type { Neighbourhood, Progress } from '../ports/target.js'
import { digestIn, parseWhere, shortened } from './imap-where.js'

/** A message of the folder. */
interface Copy {
  readonly uid: number
  readonly sha256: string
  readonly loose: string
}

/**
 * Which messages of a folder belong to other lanes, by their receipts: those are neither strangers nor left by a lost session
 * of ours. Where the server does not say UIDs, as many as they have receipts for of the same digest count as theirs: rather
 * twice than not at all.
 */
export class Neighbours {
  readonly #neighbours: Progress['neighbours']
  readonly #uidValidity: number
  #loaded: Promise<Theirs> | undefined

  constructor({ neighbours }: Pick<Progress, 'neighbours'>, uidValidity: number) {
    this.#neighbours = neighbours
    this.#uidValidity = uidValidity
  }

  /** Leaves out what is theirs. The receipts are walked through at most once, for there may be hundreds of thousands. */
  async without<One extends Copy>(copies: readonly One[]): Promise<readonly One[]> {
    if (copies.length === 0 || !this.#neighbours) return copies
    const { uids, digests } = await (this.#loaded ??= this.#load(this.#neighbours))
    const left = new Map(digests)
    return copies.filter(({ uid, loose }) => {
      if (uids.has(uid)) return false
      const count = left.get(shortened(loose)) ?? 0
      left.set(shortened(loose), count - 1)
      return count <= 0
    })
  }

  /** The same, and without what lost sessions of theirs may have left. */
  async strangers<One extends Copy>(copies: readonly One[]): Promise<readonly One[]> {
    const left = await this.without(copies)
    if (left.length === 0 || !this.#neighbours) return left
    const announced = new Set((await this.#neighbours.announced()).map(({ sha256 }) => sha256))
    return left.filter(({ sha256 }) => !announced.has(sha256))
  }

  async #load(neighbours: Neighbourhood): Promise<Theirs> {
    const uids = new Set<number>()
    const digests = new Map<string, number>()
    for await (const { where } of neighbours.receipts()) {
      const place = parseWhere(where)
      const digest = digestIn(where)
      if (place?.uidValidity === this.#uidValidity) uids.add(place.uid)
      if (digest !== undefined) digests.set(digest, (digests.get(digest) ?? 0) + 1)
    }
    return { uids, digests }
  }
}

interface Theirs {
  readonly uids: ReadonlySet<number>
  /** How many of each. */
  readonly digests: ReadonlyMap<string, number>
}
