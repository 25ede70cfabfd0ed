/** Memory that is used again and again, so that the garbage collector and the kernel need not provide it each time. */
export class Arena {
  readonly #octets: number
  #buffer: Buffer | undefined
  #used = 0

  constructor(octets: number) {
    this.#octets = octets
  }

  /** Belongs to the caller until `clear`; what finds no room gets memory of its own. */
  readonly allocate = (octets: number): Buffer => {
    const start = this.#used
    if (start + octets > this.#octets) return Buffer.allocUnsafeSlow(octets)
    this.#used += octets
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#octets)
    return this.#buffer.subarray(start, this.#used)
  }

  /** Nobody uses any of it any more. */
  clear(): void {
    this.#used = 0
  }
}
