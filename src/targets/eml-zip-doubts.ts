import type { MessageKey } from '../ports/message.js'
import type { Announced, Receipt } from '../ports/target.js'
import { Library } from './eml-zip-library.js'
import type { Staged } from './eml-zip-record.js'
import type { Left } from './eml-zip-standing.js'

/**
 * Copies of announced messages that dead runs left without a receipt: in the staging, or in a volume by now. The key
 * says whose copy it is, as nobody else writes there; if the server sends other bytes for it today, it is still the
 * copy (QUIRKS RET-23).
 */
export class Doubts {
  readonly #announced: ReadonlySet<MessageKey>
  readonly #left: Map<MessageKey, Left>
  /** Found whole in the staging. */
  readonly #staged = new Set<MessageKey>()
  readonly #libraries = new Map<string, Library>()
  readonly #archive: string

  constructor(archive: string, announced: readonly Announced[], left: readonly Left[]) {
    this.#archive = archive
    this.#announced = new Set(announced.map(({ key }) => key))
    this.#left = new Map(left.filter(({ key }) => this.#announced.has(key)).map((one) => [one.key, one]))
  }

  /** What nobody has claimed yet. */
  get left(): readonly Left[] {
    return [...this.#left.values()]
  }

  /**
   * A whole message of the staging. A committed one has its receipt, unless it is among those that were left: a run may
   * commit a part of what an earlier one staged, and die before the rest is claimed or in a volume.
   */
  add({ key, sha256, size, flags }: Staged, where: string, committed: boolean): void {
    if (!this.#announced.has(key)) return
    if (committed && this.#left.get(key)?.sha256 !== sha256) return
    this.#left.set(key, { key, sha256, size, flags, where })
    this.#staged.add(key)
  }

  /** The receipt for the copy that stands there; undefined where there is none. */
  async claim(key: MessageKey): Promise<Receipt | undefined> {
    const left = this.#left.get(key)
    if (!left) return undefined
    this.#left.delete(key)
    return this.#staged.has(key) || (await this.#isInVolume(left)) ? left : undefined
  }

  close(): void {
    for (const library of this.#libraries.values()) library.close()
  }

  async #isInVolume({ where, sha256 }: Left): Promise<boolean> {
    const slash = where.lastIndexOf('/')
    const archive = slash < 0 ? this.#archive : where.slice(0, slash)
    const library = this.#libraries.get(archive) ?? (await Library.open(archive))
    this.#libraries.set(archive, library)
    return (await library.read(where.slice(slash + 1))) === sha256
  }
}
