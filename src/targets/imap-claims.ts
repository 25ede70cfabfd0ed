import type { Listed } from '../imap/fetch.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Announced } from '../ports/target.js'
import { type Fingerprint, fingerprint, isContained } from './imap-digest.js'

/** A message that stands at the server and that no receipt speaks of. */
export interface Copy extends Pick<Fingerprint, 'sha256' | 'size' | 'loose'> {
  readonly uid: number
  /** What it was looked at for; absent where an earlier run did that. */
  readonly whole?: Fingerprint
}

/** What dead runs may have left: each copy is taken once, so that twins stay two. */
export class Claims {
  readonly #copies = new Set<Copy>()
  /** Digests by key. */
  readonly #announced: ReadonlyMap<MessageKey, string>
  readonly #digests: ReadonlySet<string>
  readonly #settled = new Set<MessageKey>()

  constructor(announced: readonly Announced[]) {
    this.#announced = new Map(announced.map(({ key, sha256 }) => [key, sha256]))
    this.#digests = new Set(this.#announced.values())
  }

  /** Not taken yet. */
  get left(): readonly Copy[] {
    return [...this.#copies].map(({ uid, sha256, size, loose }) => ({ uid, sha256, size, loose }))
  }

  add(copy: Copy): void {
    this.#copies.add(copy)
  }

  /** Somebody else has it. */
  drop(uid: number): void {
    for (const copy of this.#copies) if (copy.uid === uid) this.#copies.delete(copy)
  }

  /** Takes out the copies of announced messages that all have been brought: a dead run stored these once too often. */
  takeSurplus(): number {
    const open = new Set([...this.#announced].flatMap(([key, sha256]) => (this.#settled.has(key) ? [] : [sha256])))
    const surplus = [...this.#copies].filter(({ sha256 }) => this.#digests.has(sha256) && !open.has(sha256))
    for (const copy of surplus) this.#copies.delete(copy)
    return surplus.length
  }

  /**
   * The copy of this message: with its bytes, or, if the server sends other bytes for the key now, with those that were
   * announced (QUIRKS RET-23), else one that differs as servers make it differ. One with the bytes of another announced
   * message is that other's.
   */
  async take(message: Message): Promise<Copy | undefined> {
    if (this.#announced.has(message.key)) this.#settled.add(message.key)
    if (this.#copies.size === 0) return undefined
    const announced = this.#announced.get(message.key)
    const copy =
      this.#find(({ sha256 }) => sha256 === message.sha256) ?? this.#find(({ sha256 }) => sha256 === announced)
    if (copy) return copy
    const whole = await fingerprint(message)
    const free = ({ sha256 }: Copy): boolean => !this.#digests.has(sha256)
    return (
      this.#find((one) => free(one) && one.loose === whole.loose) ??
      this.#find((one) => free(one) && one.whole !== undefined && isContained(whole, one.whole))
    )
  }

  /** A dead run announced this message. */
  hasAnnounced(key: MessageKey): boolean {
    return this.#announced.has(key)
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

/** Which of the listed may be one of these sizes: servers change line ends and add header lines. */
export function candidates(listed: readonly Listed[], sizes: readonly number[]): readonly number[] {
  const ranges = sizes.map((size) => [size - slack(size), size + slack(size)] as const)
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
  return Math.max(1024, size / 8)
}
