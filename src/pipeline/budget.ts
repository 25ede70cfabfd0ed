/**
 * An account's memory for message bytes. Reservations are made before a message is asked for and each is held for one
 * message only, so that a reply is never left half-read because a target is slow.
 */
export class Budget {
  readonly #total: number
  #used = 0
  #waiting: (() => void)[] = []

  constructor(total: number) {
    this.#total = total
  }

  /** A message larger than the whole budget may still go alone. */
  fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#total
  }

  /** True where `bytes` are now the caller's. */
  tryReserve(bytes: number): boolean {
    if (!this.fits(bytes)) return false
    this.#used += bytes
    return true
  }

  /** For a message that turned out larger than listed. */
  add(bytes: number): void {
    this.#used += bytes
  }

  release(bytes: number): void {
    this.#used -= bytes
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Resolves at the next release. */
  async released(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /**
   * What one message of this listed size is charged: a small one is held with the form in which it is stored, large ones
   * wait in the spool, a few at a time.
   */
  charge(size: number): number {
    if (size <= inMemoryLimit) return Math.max(2 * size, this.#total / mostAtOnce)
    return Math.max(inMemoryLimit, Math.min(size, this.#total / 4))
  }
}

/** More small messages at once than a few batches only make work for the garbage collector. */
const mostAtOnce = 2048

/** Messages up to this many octets stay in memory, larger ones go to the spool. */
export const inMemoryLimit = 1024 * 1024
