import { Marks } from './roster.js'

/**
 * Copies without an owner, to be taken by digest, each once: twins have to be two. Compact, for a place may hold hundreds
 * of thousands. 104 bits of a digest tell messages apart.
 */
export class CopyPool {
  readonly #places: string[] = []
  /** Of each digest: its two halves, and the copy that is known by it. */
  readonly #high: number[] = []
  readonly #low: number[] = []
  readonly #copies: number[] = []
  /** The digests in ascending order. */
  #order = new Uint32Array()
  /** Where the search for a digest goes on that very many copies share. */
  readonly #cursors = new Map<number, number>()
  readonly #taken = new Marks()
  #left = 0

  add(where: string, digests: readonly string[]): void {
    const copy = this.#places.push(where) - 1
    this.#left++
    for (const digest of new Set(digests)) {
      this.#high.push(halfOf(digest, 0))
      this.#low.push(halfOf(digest, 1))
      this.#copies.push(copy)
    }
  }

  /** Nothing is added any more. */
  freeze(): void {
    const compare = (one: number, other: number): number =>
      this.#at(this.#high, one) - this.#at(this.#high, other) || one - other
    this.#order = Uint32Array.from(this.#high.keys()).sort(compare)
  }

  /** How many nobody has taken. */
  get left(): number {
    return this.#left
  }

  /** Where the first copy with this digest stands that nobody has taken. */
  take(digest: string): string | undefined {
    const [first, end] = this.#range(digest)
    const from = this.#cursors.get(first) ?? first
    for (let at = from; at < end; at++) {
      const copy = this.#free(at, digest)
      if (copy === undefined) continue
      if (at - from > fewSkipped) this.#cursors.set(first, at)
      return this.#take(copy)
    }
    return undefined
  }

  /** The last one is somebody else's. */
  dropLast(digest: string): void {
    const [first, end] = this.#range(digest)
    for (let at = end - 1; at >= first; at--) {
      const copy = this.#free(at, digest)
      if (copy === undefined) continue
      this.#take(copy)
      return
    }
  }

  #take(copy: number): string | undefined {
    this.#taken.set(copy)
    this.#left--
    return this.#places[copy]
  }

  /** The copy at this place of the order, unless it is taken or another half tells that it is known by another digest. */
  #free(at: number, digest: string): number | undefined {
    const index = this.#order[at] ?? -1
    const copy = this.#copies[index] ?? -1
    return this.#low[index] === halfOf(digest, 1) && !this.#taken.has(copy) ? copy : undefined
  }

  /** Where the copies stand in the order that share the first half: from the one to before the other. */
  #range(digest: string): readonly [number, number] {
    const high = halfOf(digest, 0)
    const first = this.#search((one) => one >= high)
    return [first, this.#search((one) => one > high)]
  }

  /** The first place in the order from which on the test holds. */
  #search(holds: (high: number) => boolean): number {
    let low = 0
    let end = this.#order.length
    while (low < end) {
      const middle = (low + end) >> 1
      if (holds(this.#at(this.#high, this.#order[middle] ?? -1))) end = middle
      else low = middle + 1
    }
    return low
  }

  #at(numbers: readonly number[], index: number): number {
    return numbers[index] ?? Infinity
  }
}

const fewSkipped = 16

/** 13 hexadecimal digits, as a number. */
function halfOf(digest: string, half: 0 | 1): number {
  return Number.parseInt(digest.slice(half * 13, half * 13 + 13), 16)
}
