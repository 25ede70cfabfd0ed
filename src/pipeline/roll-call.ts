import type { MessageKey } from '../ports/message.js'

/** The ids of a listing, 8 bytes each: enough to see how many of them come back in another one. */
export class RollCall {
  /** Hashes in ascending order. */
  readonly #ids: Float64Array

  static of(keys: readonly MessageKey[]): RollCall {
    return new RollCall(Float64Array.from(keys, hash).sort())
  }

  /** `packed` need not be aligned. */
  static unpack(packed: Uint8Array): RollCall {
    const whole = packed.length - (packed.length % Float64Array.BYTES_PER_ELEMENT)
    return new RollCall(new Float64Array(Uint8Array.from(packed.subarray(0, whole)).buffer))
  }

  private constructor(ids: Float64Array) {
    this.#ids = ids
  }

  get size(): number {
    return this.#ids.length
  }

  has(key: MessageKey): boolean {
    const wanted = hash(key)
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ids[middle] ?? Infinity) < wanted) low = middle + 1
      else high = middle
    }
    return this.#ids[low] === wanted
  }

  equals(other: RollCall): boolean {
    return this.size === other.size && this.#ids.every((id, index) => id === other.#ids[index])
  }

  pack(): Uint8Array {
    return new Uint8Array(this.#ids.buffer)
  }
}

/** 53 bits: two multiplicative hashes of the characters, mixed at the end. Collisions only blur a proportion. */
function hash(text: string): number {
  let one = 0xdeadbeef
  let other = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    one = Math.imul(one ^ code, 0x9e3779b1)
    other = Math.imul(other ^ code, 0x5f356495)
  }
  one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(other ^ (other >>> 13), 0xc2b2ae35)
  other = Math.imul(other ^ (other >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35)
  return (other & 0x1fffff) * 2 ** 32 + (one >>> 0)
}
