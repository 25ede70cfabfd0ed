import type { Message, MessageKey } from '../ports/message.js'
import type { Announced } from '../ports/target.js'
import { type Fingerprint, fingerprint } from './imap-digest.js'
import type { Listed } from '../imap/fetch.js'

/** A message that stands at the server and that no receipt speaks of. */
export interface Copy extends Fingerprint {
  readonly uid: number
}

/** What dead runs may have left: each copy is taken once, so that twins stay two. */
export class Claims {
  readonly #copies = new Set<Copy>()
  /** Digests by key. */
  readonly #announced: ReadonlyMap<MessageKey, string>

  constructor(announced: readonly Announced[]) {
    this.#announced = new Map(announced.map(({ key, sha256 }) => [key, sha256]))
  }

  /** Not taken yet. */
  get left(): readonly Copy[] {
    return [...this.#copies]
  }

  add(copy: Copy): void {
    this.#copies.add(copy)
  }

  /**
   * The copy of this message: with its bytes, or, if the server sends other bytes for the key now, with those that were
   * announced (QUIRKS RET-23), else one that differs as servers make it differ.
   */
  async take(message: Message): Promise<Copy | undefined> {
    if (this.#copies.size === 0) return undefined
    const announced = this.#announced.get(message.key)
    const copy =
      this.#find(({ sha256 }) => sha256 === message.sha256) ?? this.#find(({ sha256 }) => sha256 === announced)
    if (copy) return copy
    const { loose } = await fingerprint(message)
    return this.#find((one) => one.loose === loose)
  }

  wasAnnounced(key: MessageKey, sha256: string): boolean {
    return this.#announced.get(key) === sha256
  }

  #find(fits: (copy: Copy) => boolean): Copy | undefined {
    for (const copy of this.#copies) {
      if (!fits(copy)) continue
      this.#copies.delete(copy)
      return copy
    }
    return undefined
  }
}

/** Which of the listed may be one of the announced: servers change sizes by line ends, hardly by more. */
export function candidates(listed: readonly Listed[], announced: readonly Announced[]): readonly number[] {
  const ranges = announced.map(({ size }) => [size - slack(size), size + slack(size)] as const)
  ranges.sort(([one], [other]) => one - other)
  const merged: [number, number][] = []
  for (const [from, to] of ranges) {
    const last = merged.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return listed.filter(({ size }) => merged.some(([from, to]) => size >= from && size <= to)).map(({ uid }) => uid)
}

/** So many octets more or less may be the server's doing. */
export function slack(size: number): number {
  return Math.max(64, size / 8)
}
