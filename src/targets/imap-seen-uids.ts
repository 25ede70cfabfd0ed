import { UidSet } from '../imap/uid-set.js'

/** Which UIDs a server has given already: one that comes again means that it keeps one copy of two (QUIRKS APP-16). */
export class SeenUids {
  readonly #given = new UidSet()
  readonly #firstNew: number
  #highest = 0

  constructor(firstNew: number) {
    this.#firstNew = firstNew
  }

  isOld(uid: number): boolean {
    const old = uid < this.#firstNew || (uid <= this.#highest && this.#given.has(uid))
    this.#given.add(uid)
    this.#highest = Math.max(this.#highest, uid)
    return old
  }
}
