import type { Counts } from '../ports/event.js'
import { Fault } from '../ports/fault.js'
import type { Untried } from '../ports/ledger.js'
import type { Entry, MessageKey } from '../ports/message.js'

/**
 * Every message that an account's maildrop listed during this run, numbered in the order of first sight, and what
 * became of it. Compact: a maildrop may have hundreds of thousands (CONTRACT, guarantee 4).
 */
export class Roster {
  /** By the keys that the listings show. */
  readonly #numbers = new Map<MessageKey, number>()
  /** Messages whose own key is another one, or not known yet. */
  readonly #own = new Map<number, MessageKey | undefined>()
  readonly #byOwn = new Map<MessageKey, number>()
  readonly #entries: Entry[] = []
  /** The number of the last listing in which each message was seen. */
  readonly #seen: number[] = []
  readonly #copied = new Marks()
  readonly #present = new Marks()
  readonly #filtered = new Marks()
  readonly #reidentified = new Marks()
  /** By message number, then by target; the source's own failure stands under the empty name. */
  readonly #failures = new Map<number, Map<string, Fault>>()
  #listings = 0
  #windowed = false
  #copiedBytes = 0
  #copiedCount = 0
  #reidentifiedCount = 0

  /** A complete listing was seen in this run. */
  get listed(): boolean {
    return this.#listings > 0
  }

  get size(): number {
    return this.#entries.length
  }

  get copied(): number {
    return this.#copiedCount
  }

  get copiedBytes(): number {
    return this.#copiedBytes
  }

  /** Takes in a complete listing; returns the messages' numbers in listing order, and whether any is new. */
  merge(entries: readonly Entry[]): { readonly numbers: readonly number[]; readonly grown: boolean } {
    const before = this.size
    this.#listings++
    const numbers = entries.map((entry) => this.#add(entry))
    return { numbers, grown: this.size > before }
  }

  /** The message with this own key: the one that the ledger has for it. */
  numberOf(key: MessageKey): number | undefined {
    const number = this.#byOwn.get(key) ?? this.#numbers.get(key)
    return number !== undefined && this.keyOf(number) === key ? number : undefined
  }

  /** The message that listings show under this key. */
  numberListedAs(key: MessageKey): number | undefined {
    return this.#numbers.get(key)
  }

  /** The message's own key; undefined while it has to be fetched first. */
  keyOf(number: number): MessageKey | undefined {
    return this.#own.has(number) ? this.#own.get(number) : this.entry(number).key
  }

  /** In the latest listing. */
  isListed(number: number): boolean {
    return this.#seen[number] === this.#listings
  }

  /** Only its bytes can tell which message it is. */
  doubt(number: number): void {
    const key = this.keyOf(number)
    if (key !== undefined) this.#byOwn.delete(key)
    this.#own.set(number, undefined)
    this.#present.clear(number)
  }

  /** It is the message with this key, which no other one is any longer. */
  identify(number: number, key: MessageKey): void {
    const other = this.numberOf(key)
    if (other !== undefined && other !== number) this.doubt(other)
    if (this.keyOf(number) === key) return
    this.doubt(number)
    if (key === this.entry(number).key) this.#own.delete(number)
    else {
      this.#own.set(number, key)
      this.#byOwn.set(key, number)
    }
  }

  /** Recognised under another id. */
  setReidentified(number: number): void {
    if (!this.#reidentified.has(number)) this.#reidentifiedCount++
    this.#reidentified.set(number)
  }

  entry(number: number): Entry {
    const entry = this.#entries[number]
    if (!entry) throw new RangeError(`no message number ${number}`)
    return entry
  }

  /** At every target before this run touched it. */
  setPresent(number: number): void {
    if (!this.#copied.has(number)) this.#present.set(number)
  }

  /** Left out by the plan, or not after all. */
  setFiltered(number: number, filtered = true): void {
    if (filtered) this.#filtered.set(number)
    else this.#filtered.clear(number)
  }

  isFiltered(number: number): boolean {
    return this.#filtered.has(number)
  }

  /** Reached its last missing target just now. */
  setCopied(number: number, octets: number): void {
    if (this.#copied.has(number)) return
    this.#copied.set(number)
    this.#copiedCount++
    this.#copiedBytes += octets
    this.#failures.delete(number)
  }

  /** Tried and failed, by the source or by one target; may still succeed in a later session of this run. */
  setFailed(number: number, fault: Fault, target = ''): void {
    const failures = this.#failures.get(number) ?? new Map<string, Fault>()
    this.#failures.set(number, failures.set(target, fault))
  }

  /**
   * The server shows only a part of its messages at a time: what it does not list any more has not vanished. Those that
   * were not fetched have failed.
   */
  setWindowed(): void {
    this.#windowed = true
    for (let number = 0; number < this.size; number++) {
      if (this.#seen[number] === this.#listings || this.state(number) !== 'pending') continue
      this.setFailed(number, noLongerShown)
    }
  }

  /** Why the source did not give the message, so far. */
  sourceFault(number: number): Fault | undefined {
    return this.#failures.get(number)?.get('')
  }

  /** Every failure that stands. */
  failures(): readonly MessageFailure[] {
    return [...this.#failures].flatMap(([number, failures]) => {
      if (this.state(number) !== 'failed') return []
      const { key, size } = this.entry(number)
      const own = this.keyOf(number) ?? key
      return [...failures].map(([target, fault]) => ({ key, own, size, fault, ...(target !== '' && { target }) }))
    })
  }

  /** What was listed and is neither copied, nor left out, nor failed. */
  *untried(): Iterable<Untried> {
    for (let number = 0; number < this.size; number++) {
      const state = this.state(number)
      if (state !== 'pending' && state !== 'vanished') continue
      const { key, size } = this.entry(number)
      const own = this.keyOf(number) ?? key
      yield { state, key, size, ...(own !== key && { own }) }
    }
  }

  state(number: number): 'copied' | 'present' | 'filtered' | 'failed' | 'vanished' | 'pending' {
    if (this.#copied.has(number)) return 'copied'
    if (this.#present.has(number)) return 'present'
    if (this.#filtered.has(number)) return 'filtered'
    const failures = this.#failures.get(number)
    // What a target refused was fetched all the same: it did not vanish.
    const refused = failures !== undefined && [...failures.keys()].some((target) => target !== '')
    if (this.#seen[number] !== this.#listings && !refused && !this.#windowed) return 'vanished'
    return failures ? 'failed' : 'pending'
  }

  counts(): Counts {
    const counts = { copied: 0, present: 0, filtered: 0, failed: 0, vanished: 0, pending: 0 }
    for (let number = 0; number < this.size; number++) counts[this.state(number)]++
    return { listed: this.size, ...counts, reidentified: this.#reidentifiedCount, deleted: 0, bytes: this.#copiedBytes }
  }

  #add(entry: Entry): number {
    const known = this.#numbers.get(entry.key)
    const number = known ?? this.#entries.length
    if (known === undefined) this.#numbers.set(entry.key, number)
    this.#entries[number] = entry
    this.#seen[number] = this.#listings
    return number
  }
}

/** `target` is absent where the source failed. */
export interface MessageFailure {
  /** As listed. */
  readonly key: MessageKey
  /** As the ledger has it. */
  readonly own: MessageKey
  /** As listed; absent where no listing of this run has shown it. */
  readonly size?: number
  readonly target?: string
  readonly fault: Fault
}

/** A growing set of small numbers, one bit each. */
export class Marks {
  #bits = new Uint8Array(128)

  has(number: number): boolean {
    return ((this.#bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0
  }

  clear(number: number): void {
    const index = number >> 3
    if (index < this.#bits.length) this.#bits[index] = (this.#bits[index] ?? 0) & ~(1 << (number & 7))
  }

  set(number: number): void {
    const index = number >> 3
    if (index >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(index + 1, this.#bits.length * 2))
      larger.set(this.#bits)
      this.#bits = larger
    }
    this.#bits[index] = (this.#bits[index] ?? 0) | (1 << (number & 7))
  }
}

const noLongerShown = new Fault('hidden', 'the server stopped showing the message before it was fetched')
