import type { Clock } from '../ports/clock.js'
import { durationText } from '../ports/figures.js'
import { Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { LaneBook } from './lane-book.js'
import type { OpeningContext } from './lane-context.js'

/** How long a lane may stand still, in ms. */
const patience = {
  /** While others wait for it. */
  others: 30_000,
  /** The same while it opens: it may have to see to the end of a lost session (`timeouts.settle`). */
  opening: 60_000,
  /** Where nobody waits: then its target hangs. */
  alone: 15 * 60_000,
}

/**
 * All lanes of an account. Whoever waits for them does it here: a lane that stands still meanwhile is left behind
 * (`lagging`), so that a target that hangs keeps nothing from the others. It catches up when it has come to an end with what
 * it had in hand, in a later session of the run or in the next run; two writers never work at one place.
 */
export class Lanes {
  readonly #books: readonly LaneBook[]
  readonly #clock: Clock
  /** Those that had something to get in this session: each waits for the slowest. */
  #together: readonly LaneBook[]

  constructor(books: readonly LaneBook[], clock: Clock) {
    this.#books = books
    this.#clock = clock
    this.#together = books
  }

  /** Opens what is not open; `patient`: there is nothing that the others could do meanwhile. */
  async open(context: OpeningContext, patient: boolean): Promise<void> {
    const over = new AbortController()
    const isLate = ({ fault }: LaneBook): boolean => fault?.code === 'lagging'
    const open = async (book: LaneBook, first: number): Promise<void> =>
      book.open(context, async () => this.#tooLong(book, { first, patient, signal: over.signal }))
    try {
      const late = this.#books.filter(isLate)
      await Promise.all(this.#books.filter((book) => !isLate(book)).map(async (book) => open(book, patience.opening)))
      await Promise.all(late.map(async (book) => open(book, patient || !book.busy ? patience.opening : 0)))
    } finally {
      over.abort()
    }
  }

  /** Before a session fetches: what each of them can get there. */
  expect(numbers: readonly number[]): void {
    this.#together = this.#books.filter((book) => book.run && numbers.some((number) => book.lacks(number)))
  }

  /** Waits for something that the lanes have to do first. */
  async wait<T>(until: Promise<T>): Promise<T> {
    const over = new AbortController()
    void this.#watch(over.signal)
    try {
      return await until
    } finally {
      over.abort()
    }
  }

  /** Until everything that was offered is stored, or its lane has stopped. */
  async flush(): Promise<void> {
    await this.wait(Promise.all(this.#books.map(async ({ run }) => run?.flush())))
  }

  hurry(): void {
    for (const { run } of this.#books) run?.hurry()
  }

  /** The end of the run for all of them. Resolves with what failed. */
  async finish(ledger: Ledger): Promise<readonly unknown[]> {
    const over = new AbortController()
    const ends = this.#books.map(async (book) =>
      book.finish(ledger, async () =>
        this.#tooLong(book, { first: patience.alone, patient: true, signal: over.signal }),
      ),
    )
    const ended = await Promise.allSettled(ends)
    over.abort()
    return ended.filter((one) => one.status === 'rejected').map(({ reason }): unknown => reason)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      const left = Math.min(...this.#books.map((book) => this.#leftMs(book)))
      await this.#clock.limit(Math.max(1, left), signal).catch(() => undefined)
      if (signal.aborted) return
      for (const book of this.#books) {
        if (this.#leftMs(book) <= 0) book.leaveBehind(lagging(book.stillness.ms))
      }
    }
  }

  /** How long it may still stand still; an idle one may begin at any time. */
  #leftMs(book: LaneBook): number {
    const { run, target } = book
    if (!run?.working) return patience.others
    const awaited = this.#together.some((other) => {
      return other !== book && other.run && (!other.run.working || other.stillness.ms < patience.others)
    })
    if (!awaited && target.bounded) return patience.others
    return (awaited ? patience.others : patience.alone) - book.stillness.ms
  }

  /**
   * Resolves when a lane that opens or ends has stood still for too long, with what is known already if at once; rejects with
   * the signal.
   */
  async #tooLong(book: LaneBook, { first, patient, signal }: Waiting): Promise<Fault> {
    const others = this.#books.filter((other) => other !== book)
    const begun = this.#clock.monotonic()
    for (let pause = first; ;) {
      await this.#clock.limit(pause, signal)
      const still = Math.min(book.stillness.ms, this.#clock.monotonic() - begun)
      // Meanwhile others may be ready, or it has got on.
      pause = still < first ? Math.max(1, first - still) : patience.opening
      if (still < first) continue
      const hangs = still >= patience.alone && !book.target.bounded
      if (hangs) book.giveUp()
      if (hangs || (!patient && others.some(({ run }) => run))) return (first === 0 && book.fault) || lagging(still)
    }
  }
}

interface Waiting {
  /** How long it may stand still before the first look, ms. */
  readonly first: number
  readonly patient: boolean
  readonly signal: AbortSignal
}

function lagging(stillMs: number): Fault {
  return new Fault('lagging', `nothing has moved for ${durationText(stillMs / 1000)}`)
}
