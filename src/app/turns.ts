import pLimit from 'p-limit'
import type { Target } from '../ports/target.js'

/** How much may go on at once. */
export interface Concurrency {
  readonly accounts: number
  /** Accounts of one server. */
  readonly perHost: number
}

interface Job {
  readonly host: string
  readonly targets: readonly { readonly target: Pick<Target, 'place'> }[]
}

/** Who may work when: by place, by host, by account, taken in this order so that a waiting account blocks no other. */
export class Turns {
  readonly #accounts: ReturnType<typeof pLimit>
  readonly #perHost: number
  readonly #hosts = new Map<string, ReturnType<typeof pLimit>>()
  /** Places with more than one lane: their accounts go one after another (CONTRACT, Targets). */
  readonly #places = new Map<string, ReturnType<typeof pLimit>>()

  constructor(concurrency: Concurrency, jobs: readonly Job[]) {
    this.#accounts = pLimit(concurrency.accounts)
    this.#perHost = concurrency.perHost
    const seen = new Set<string>()
    for (const { place } of jobs.flatMap(({ targets }) => targets.map(({ target }) => target))) {
      if (seen.has(place)) this.#places.set(place, pLimit(1))
      seen.add(place)
    }
  }

  async take<T>(job: Job, work: () => Promise<T>): Promise<T> {
    const host = this.#hosts.get(job.host) ?? pLimit(this.#perHost)
    this.#hosts.set(job.host, host)
    // In one order for everybody, or two accounts could each hold what the other waits for.
    const places = [...new Set(job.targets.map(({ target }) => target.place))].sort()
    const limits = [...places.map((place) => this.#places.get(place)), host, this.#accounts]
    const chained = limits.reduceRight<() => Promise<T>>(
      (inner, limit) => async () => (limit ? limit(inner) : inner()),
      work,
    )
    return chained()
  }
}
