/** Sizes of very many messages, to be asked for ranges. */
export class Sizes {
  readonly #seen = new Set<number>()

  add(size: number): void {
    this.#seen.add(size)
  }

  /** Tells whether any of the sizes is in a range, both ends included. */
  freeze(): (from: number, to: number) => boolean {
    const sorted = Float64Array.from(this.#seen).sort()
    return (from, to) => {
      let low = 0
      let high = sorted.length
      while (low < high) {
        const middle = (low + high) >> 1
        if ((sorted[middle] ?? 0) < from) low = middle + 1
        else high = middle
      }
      return low < sorted.length && (sorted[low] ?? 0) <= to
    }
  }
}
