import type { Sum, Throughput } from '../ports/report.js'

interface Bin {
  messages: number
  bytes: number
}

const second = 1000
const day = 24 * 60 * 60 * second
/** Each is a multiple of the one before. */
const widths = [1, 5, 15, 60, 300, 900, 3600, 6 * 3600]
  .map((seconds) => seconds * second)
  .concat([1, 7, 28, 364].map((days) => days * day))

const mostBins = 60

/** Sums over time in bins of one width, as narrow as a chart can show. Takes the same memory whatever it is given. */
export class Histogram {
  #bins = new Map<number, Bin>()
  #level = 0
  #first = Infinity
  #last = -Infinity

  /** `at` in ms since 1970, in any order. */
  add(at: number, sum: Sum): void {
    let index = Math.floor(at / this.#width)
    while (this.#level < widths.length - 1 && this.#spanWith(index) > mostBins) {
      this.#widen()
      index = Math.floor(at / this.#width)
    }
    this.#first = Math.min(this.#first, index)
    this.#last = Math.max(this.#last, index)
    put(this.#bins, index, sum)
  }

  get result(): Throughput | undefined {
    if (this.#bins.size === 0) return undefined
    const bins = Array.from({ length: this.#last - this.#first + 1 }, (_, offset): Sum => {
      return this.#bins.get(this.#first + offset) ?? { messages: 0, bytes: 0 }
    })
    return { from: this.#first * this.#width, widthMs: this.#width, bins }
  }

  get #width(): number {
    return widths[this.#level] ?? day
  }

  #spanWith(index: number): number {
    return Math.max(this.#last, index) - Math.min(this.#first, index) + 1
  }

  #widen(): void {
    const narrow = this.#width
    this.#level++
    const factor = this.#width / narrow
    const bins = new Map<number, Bin>()
    for (const [index, bin] of this.#bins) put(bins, Math.floor(index / factor), bin)
    this.#bins = bins
    this.#first = Math.floor(this.#first / factor)
    this.#last = Math.floor(this.#last / factor)
  }
}

function put(bins: Map<number, Bin>, index: number, { messages, bytes }: Sum): void {
  const bin = bins.get(index) ?? { messages: 0, bytes: 0 }
  bin.messages += messages
  bin.bytes += bytes
  bins.set(index, bin)
}
