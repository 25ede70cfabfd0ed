import { Marks } from './roster.js'

/**
 * Copies without an owner, to be taken by digest, each once: twins have to be two. Compact, for a place may hold hundreds
 * of thousands. 104 bits of a digest tell messages apart.
 */
export class CopyPool {
  readonly #places: string[] = []
  /** Of each digest: its two halves, and the copy that is known by it; in ascending order once nothing is added. */
  #high = new Float64Array(initialSize)
  #low = new Float64Array(initialSize)
  #copies = new Uint32Array(initialSize)
  #size = 0
  /** Where the search for a digest goes on that very many copies share. */
  readonly #cursors = new Map<number, number>()
  readonly #taken = new Marks()
  #left = 0

  add(where: string, digests: readonly string[]): void {
    const copy = this.#places.push(where) - 1
    this.#left++
    for (const digest of new Set(digests)) {
      if (this.#size === this.#high.length) this.#grow()
      this.#high[this.#size] = halfOf(digest, 0)
      this.#low[this.#size] = halfOf(digest, 1)
      this.#copies[this.#size++] = copy
    }
  }

  /** Nothing is added any more. */
  freeze(): void {
    const high = this.#high
    const order = new Uint32Array(this.#size).map((_, index) => index)
    order.sort((one, other) => (high[one] ?? 0) - (high[other] ?? 0) || one - other)
    this.#high = Float64Array.from(order, (index) => high[index] ?? 0)
    const [low, copies] = [this.#low, this.#copies]
    this.#low = Float64Array.from(order, (index) => low[index] ?? 0)
    this.#copies = Uint32Array.from(order, (index) => copies[index] ?? 0)
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

  #grow(): void {
    const size = 2 * this.#size
    const [high, low, copies] = [this.#high, this.#low, this.#copies]
    this.#high = new Float64Array(size)
    this.#low = new Float64Array(size)
    this.#copies = new Uint32Array(size)
    this.#high.set(high)
    this.#low.set(low)
    this.#copies.set(copies)
  }

  #take(copy: number): string | undefined {
    this.#taken.set(copy)
    this.#left--
    return this.#places[copy]
  }

  /** The copy at this place of the order, unless it is taken or another half tells that it is known by another digest. */
  #free(at: number, digest: string): number | undefined {
    const copy = this.#copies[at] ?? -1
    return this.#low[at] === halfOf(digest, 1) && !this.#taken.has(copy) ? copy : undefined
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
    let end = this.#size
    while (low < end) {
      const middle = (low + end) >> 1
      if (holds(this.#high[middle] ?? Infinity)) end = middle
      else low = middle + 1
    }
    return low
  }
}

const initialSize = 1024
const fewSkipped = 16

/** 13 hexadecimal digits, as a number. */
function halfOf(digest: string, half: 0 | 1): number {
  return Number.parseInt(digest.slice(half * 13, half * 13 + 13), 16)
}
