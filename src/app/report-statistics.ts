import type { CopiesRecord } from '../ports/records.js'
import type { AccountReport, Listed, Report, Sum, Totals, Verdict, Years } from '../ports/report.js'
import { Histogram } from './histogram.js'

interface MutableSum {
  messages: number
  bytes: number
}

/** Adds up over all accounts. */
export class Statistics {
  readonly #throughput = new Histogram()
  readonly #years = new Map<number, MutableSum>()
  readonly #undated: MutableSum = { messages: 0, bytes: 0 }
  readonly #unknown: MutableSum = { messages: 0, bytes: 0 }

  copies({ at, year, flags, first, messages, bytes }: CopiesRecord): void {
    this.#throughput.add(at, { messages, bytes })
    // Each message counts once, however many targets have it.
    if (!first) return
    const sum = year === undefined ? this.#dateless(flags.includes('date-missing')) : this.#yearOf(year)
    sum.messages += messages
    sum.bytes += bytes
  }

  of(facts: Pick<Report, 'accounts' | 'run' | 'working'>): Pick<Report, 'totals' | 'verdict' | 'throughput' | 'years'> {
    const throughput = this.#throughput.result
    const planned = facts.accounts.filter((account) => account.planned)
    return {
      totals: totalsOf(planned),
      verdict: verdictOf(planned, facts),
      ...(throughput && { throughput }),
      years: this.#byYear(),
    }
  }

  #dateless(certain: boolean): MutableSum {
    return certain ? this.#undated : this.#unknown
  }

  #yearOf(year: number): MutableSum {
    const sum = this.#years.get(year) ?? { messages: 0, bytes: 0 }
    this.#years.set(year, sum)
    return sum
  }

  /** Without a gap between the first and the last; the date rule lets no year before 1970 or far ahead in. */
  #byYear(): Years {
    const found = [...this.#years.keys()]
    const first = Math.min(...found)
    const length = found.length === 0 ? 0 : Math.max(...found) - first + 1
    const years = Array.from({ length }, (_, index) => {
      return { year: first + index, ...(this.#years.get(first + index) ?? { messages: 0, bytes: 0 }) }
    })
    return { years, undated: this.#undated, unknown: this.#unknown }
  }
}

function totalsOf(accounts: readonly AccountReport[]): Totals {
  const sum = (of: (account: AccountReport) => number): number => accounts.reduce((all, one) => all + of(one), 0)
  const listed = (state: keyof Listed): number => sum(({ listing }) => listing?.[state] ?? 0)
  const copies = accounts.flatMap(({ targets }) => targets)
  return {
    accounts: accounts.length,
    complete: sum(({ verdict }) => (verdict === 'complete' ? 1 : 0)),
    listed: listed('listed'),
    copied: listed('copied'),
    present: listed('present'),
    filtered: listed('filtered'),
    failed: listed('failed'),
    vanished: listed('vanished'),
    pending: listed('pending'),
    unlisted: sum(({ unlisted }) => unlisted),
    stored: added(accounts.map(({ stored }) => stored)),
    short: sum(({ short }) => short),
    copies: added(copies),
  }
}

function added(sums: readonly Sum[]): Sum {
  return sums.reduce((all, one) => ({ messages: all.messages + one.messages, bytes: all.bytes + one.bytes }), {
    messages: 0,
    bytes: 0,
  })
}

/** A run that works or was killed has looked at what nobody has counted yet. */
function verdictOf(planned: readonly AccountReport[], { run, working }: Pick<Report, 'run' | 'working'>): Verdict {
  if (planned.some(({ verdict }) => verdict === 'missing')) return 'missing'
  const settled = working === undefined && run?.finishedAt !== undefined
  return settled && planned.every(({ verdict }) => verdict === 'complete') ? 'complete' : 'unknown'
}
