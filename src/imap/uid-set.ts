/** A set of UIDs, compact where they follow one another: `12:80,85` (RFC 3501 §9, sequence-set). */
export class UidSet {
  /** First and last, in the order in which they were added. */
  readonly #ranges: [number, number][] = []

  constructor(text = '') {
    for (const [, first, last = first] of text.matchAll(/(\d+)(?::(\d+))?/g)) {
      this.#ranges.push([Number(first), Number(last)])
    }
  }

  add(uid: number): void {
    const last = this.#ranges.at(-1)
    if (last && uid === last[1] + 1) last[1] = uid
    else if (!this.has(uid)) this.#ranges.push([uid, uid])
  }

  has(uid: number): boolean {
    return this.#ranges.some(([first, last]) => uid >= first && uid <= last)
  }

  toString(): string {
    return this.#ranges.map(([first, last]) => (first === last ? String(first) : `${first}:${last}`)).join(',')
  }
}
