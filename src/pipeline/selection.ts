import type { Message } from '../ports/message.js'
import type { Select } from '../ports/select.js'
import type { Session } from '../ports/source.js'
import { Marks, type Roster } from './roster.js'

export interface Selector extends Select {
  /** The message's date by the contract's date rule, ms since 1970; undefined where it has none. */
  readonly dateOf: (header: Uint8Array) => number | undefined
}

export interface SelectionContext {
  readonly select: Selector | undefined
  readonly roster: Roster
  /** The moment that ages are counted back from, ms since 1970: one for the whole run. */
  readonly now: number
  /** False where the listed sizes mean nothing; may turn out so during the run. */
  sizesCount(): boolean
}

/**
 * Leaves out what the plan does not want. A message that the listed size or its header rules out is not fetched; the
 * others are looked at once more when they have arrived, by their own size and header. Nothing is recorded of it: ages
 * change, and so may the plan.
 */
export class Selection {
  readonly #context: SelectionContext
  /** Listed sizes and headers have nothing more to say about these. */
  readonly #judged = new Marks()
  /** Begun by a run that died: the rest of them may stand in a target, so they are finished. */
  readonly #begun = new Set<number>()
  /** Left out for their listed size. */
  #tooLarge: number[] = []
  #progress = 0

  constructor(context: SelectionContext) {
    this.#context = context
  }

  /** Messages that were judged by their header so far. */
  get progress(): number {
    return this.#progress
  }

  /** The plan leaves anything out. */
  get selects(): boolean {
    return this.#context.select !== undefined
  }

  /** True where some were left out by listed sizes that turned out to mean nothing: a further session fetches them. */
  reconsider(): boolean {
    if (this.#tooLarge.length === 0 || this.#context.sizesCount()) return false
    for (const number of this.#tooLarge) this.#context.roster.setFiltered(number, false)
    this.#tooLarge = []
    return true
  }

  /**
   * Before anything is fetched: leaves out what the listing or the headers rule out. `begun` is undefined for messages
   * of which that is not known yet.
   */
  async sift(
    session: Session,
    wanted: readonly number[],
    begun: (number: number) => boolean | undefined,
  ): Promise<void> {
    const { select, roster } = this.#context
    if (!select) return
    const undated: number[] = []
    for (const number of wanted) {
      const unfinished = begun(number)
      if (this.#judged.has(number) || unfinished === undefined) continue
      if (unfinished) this.#begun.add(number)
      if (this.#begun.has(number)) this.#judged.set(number)
      else if (
        select.maxSize !== undefined &&
        roster.entry(number).size > select.maxSize &&
        this.#context.sizesCount()
      ) {
        roster.setFiltered(number)
        this.#tooLarge.push(number)
      } else undated.push(number)
    }
    if (select.newerThan === undefined && select.olderThan === undefined) return
    await this.#readHeaders(session, undated, (header) => this.#isOfAge(select, header))
  }

  /** Whether a message that has arrived is wanted. */
  admits(number: number, { size, header }: Pick<Message, 'size' | 'header'>): boolean {
    if (this.#begun.has(number)) return true
    const { select } = this.#context
    return !select || (size <= (select.maxSize ?? Infinity) && this.#isOfAge(select, header))
  }

  async #readHeaders(
    session: Session,
    undated: readonly number[],
    isOfAge: (header: Uint8Array) => boolean,
  ): Promise<void> {
    const { roster } = this.#context
    const headers = session.headers(undated.map((number) => roster.entry(number)))
    if (!headers) return
    let next = 0
    try {
      for await (const header of headers) {
        const number = undated[next++]
        if (number === undefined) return
        this.#judged.set(number)
        this.#progress++
        if (header && !isOfAge(header)) roster.setFiltered(number)
      }
    } catch (error) {
      // Whatever is wrong with it: it is fetched, and judged then.
      const inProgress = undated[next]
      if (inProgress !== undefined) this.#judged.set(inProgress)
      throw error
    }
  }

  #isOfAge({ newerThan = Infinity, olderThan = -Infinity, dateOf }: Selector, header: Uint8Array): boolean {
    if (newerThan === Infinity && olderThan === -Infinity) return true
    const date = dateOf(header)
    if (date === undefined) return true
    const age = this.#context.now - date
    return age <= newerThan && age >= olderThan
  }
}
