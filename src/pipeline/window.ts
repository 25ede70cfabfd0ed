import type { AccountMemory, Ledger } from '../ports/ledger.js'
import type { SourceRules } from '../ports/source.js'
import { Marks } from './roster.js'

/**
 * What this run knows of the part of a maildrop that its server shows at a time. Gmail shows about 250 of the oldest
 * messages that were not popped: fetched in a session that ended with a clean QUIT (QUIRKS LST-18, PRV-01). So the
 * window moves on by fetching, and what a dead run fetched without a QUIT has to be fetched again before it does.
 */
export class Window {
  readonly #account: string
  readonly #ledger: Ledger
  readonly #rules: SourceRules
  #memory: AccountMemory
  /** As the run began: a dead run may have left messages behind in the window. */
  readonly #leftBehind: boolean
  /** The server says that it removes what was fetched. */
  #expires = false
  /** Whether what was fetched is still shown after a clean QUIT; undefined: not seen yet. */
  #moves: boolean | undefined
  /** Fetched before this run and shown all the same: most likely nothing is hidden. */
  #showsOld = false
  /** Fetched in the last session; undefined where it has not come to its QUIT. */
  #popped: readonly number[] | undefined
  /** How many were fetched in it. */
  #took = 0
  /** QUITs without a confirmation: nobody knows what they did (QUIRKS SES-11). */
  #unanswered = 0
  #confirmed = true
  /** The last listing brought messages that were never listed in this run. */
  #grown = false
  /** Fetched again in this run: once is enough. */
  readonly #revisited = new Marks()
  /** The server does not hand these out, or its sessions die of them. */
  readonly #hopeless = new Set<number>()
  #most = Infinity
  #lastCut: number | undefined
  /** How many messages the last listing had. */
  #shown = 0

  constructor({ account, ledger, rules, memory }: WindowOptions) {
    this.#account = account
    this.#ledger = ledger
    this.#rules = rules
    this.#memory = memory
    this.#leftBehind = memory.unsettled
  }

  get windowed(): boolean {
    return this.#rules.windowed || this.#memory.windowed || this.#moves === true
  }

  /** Messages disappear from the server's sight by being fetched: a stopped target stops the account. */
  get hides(): boolean {
    return this.windowed || this.#expires
  }

  /** How many messages a session may fetch before it has to QUIT. */
  get most(): number {
    return this.hides ? this.#most : Infinity
  }

  /** Takes in the listing of a new session; `old`: some of it was delivered before this run. */
  async listed({ numbers, grown, old, expires }: SessionListing): Promise<void> {
    this.#expires ||= expires
    this.#showsOld ||= old
    this.#grown = grown
    const before = this.#shown
    this.#shown = numbers.length
    const popped = this.#popped ?? []
    this.#popped = undefined
    if (popped.length === 0) return
    const shown = new Set(numbers)
    const gone = popped.filter((number) => !shown.has(number)).length
    // A few may have been deleted by somebody else meanwhile.
    const moves = gone > popped.length / 2
    if (!moves && !this.#confirmed && this.#unanswered < patience) return
    this.#moves = moves
    const full = moves && grown ? Math.min(before, this.#memory.fullWindow ?? Infinity) : this.#memory.fullWindow
    if (moves === this.#memory.windowed && full === this.#memory.fullWindow) return
    await this.#remember({ windowed: moves, ...(full !== undefined && { fullWindow: full }) })
  }

  /**
   * What has to be fetched again, although nobody lacks it, so that the window moves on: of what the last listing shows
   * and nobody lacks. Where it is not known whether that helps, the smallest message is tried alone.
   */
  revisits({ settled, wanted }: { settled: () => readonly Sized[]; readonly wanted: number }): readonly number[] {
    if (this.#rules.sessions === 'single') return []
    const suspicious = this.windowed || this.#leftBehind || this.#unanswered > 0
    const unsure = this.#moves === undefined && wanted === 0 && suspicious
    if (this.#moves !== true && !unsure) return []
    const open = settled().filter(({ number }) => !this.#revisited.has(number) && !this.#hopeless.has(number))
    if (this.#moves === true) return open.map(({ number }) => number)
    const [least] = open.toSorted((a, b) => a.size - b.size)
    return least ? [least.number] : []
  }

  /** Before the first RETR: until the run has come to its end, messages may be left behind in the window. */
  async fetching(): Promise<void> {
    if (!this.#memory.unsettled) await this.#remember({ unsettled: true })
  }

  /** A message that was to be fetched again cannot be. */
  cannotRevisit(number: number): void {
    this.#hopeless.add(number)
  }

  /** The session has come to its QUIT after these messages were fetched; `confirmed`: the server said yes to it. */
  ended(fetched: readonly number[], confirmed: boolean, deleted: ReadonlySet<number> = new Set()): void {
    this.#popped = fetched.filter((number) => !deleted.has(number))
    this.#took = fetched.length
    this.#confirmed = confirmed || fetched.length === 0
    if (!this.#confirmed) this.#unanswered++
    else for (const number of fetched) this.#revisited.set(number)
  }

  /**
   * The session broke behind so many messages. The second time in a row behind the same number, the server hangs up
   * there (QUIRKS SES-04): a QUIT has to come before.
   */
  broke(fetched: number): void {
    if (fetched > 1 && fetched === this.#lastCut) this.#most = Math.min(this.#most, fetched - 1)
    this.#lastCut = fetched
  }

  /** After a clean QUIT: another session may show messages that were never listed in this run. */
  get mayShowMore(): boolean {
    if (this.#rules.sessions === 'single' || !this.#popped || this.#took === 0) return false
    if (!this.#confirmed) return this.#unanswered < patience
    if (this.#moves !== undefined) return this.#moves || this.#grown
    return this.eager || (!this.#showsOld && this.#shown < noWindow)
  }

  /** There is reason to think that more is hidden: worth a long wait before the next sign-in. */
  get eager(): boolean {
    return this.hides || this.#leftBehind
  }

  /** The last listing was as long as those behind which more came to light, and nothing of it was fetched. */
  get stuck(): boolean {
    return (
      this.windowed &&
      this.#popped !== undefined &&
      this.#took === 0 &&
      this.#shown >= (this.#memory.fullWindow ?? usualWindow)
    )
  }

  /**
   * Signs that the server shows only so many of the newest messages and never the others (QUIRKS LST-18, PRV-10): the
   * number at which a common one ends, or mail has come and the number is what it was at the end of the last run.
   */
  async capped({ listed, fresh }: { readonly listed: number; readonly fresh: boolean }): Promise<boolean> {
    if (this.windowed) return false
    const { listed: before } = this.#memory
    if (listed !== before) await this.#remember({ listed })
    return listed === usualWindow || (fresh && listed === before && listed >= leastCap)
  }

  /** No further session will come: if the last one was clean, the run has seen all that the server has to show. */
  async settle(): Promise<void> {
    const clean = this.#popped && (this.#confirmed || this.#unanswered >= patience)
    if (this.#memory.unsettled && clean) await this.#remember({ unsettled: false })
  }

  async #remember(learnt: Partial<AccountMemory>): Promise<void> {
    await this.#ledger.remember(this.#account, learnt)
    this.#memory = { ...this.#memory, ...learnt }
  }
}

/** So many QUITs without an answer are this server's way. */
const patience = 2

/** Gmail shows about so many (QUIRKS PRV-01), WildDuck exactly, unless it was set up otherwise (QUIRKS PRV-10). */
const usualWindow = 250
/** No server is known to show so many and to hide others. */
const noWindow = 5000
/** In small maildrops as many messages may come as somebody deletes. */
const leastCap = 100

export interface WindowOptions {
  readonly account: string
  readonly ledger: Ledger
  readonly rules: SourceRules
  readonly memory: AccountMemory
}

interface Sized {
  readonly number: number
  readonly size: number
}

export interface SessionListing {
  /** The messages' numbers in the roster. */
  readonly numbers: readonly number[]
  readonly grown: boolean
  readonly old: boolean
  readonly expires: boolean
}
