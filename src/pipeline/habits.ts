import type { Clock } from '../ports/clock.js'
import type { Ledger } from '../ports/ledger.js'
import type { Source } from '../ports/source.js'
import { Pace } from './pace.js'
import { Window } from './window.js'

/** What is learnt about an account's server from one session to the next, and from one run to the next. */
export interface Habits {
  readonly window: Window
  readonly pace: Pace
}

export async function recallHabits(account: string, source: Source, around: Surroundings): Promise<Habits> {
  const { ledger, clock, dryRun } = around
  const memory = await ledger.recall(account)
  const window = new Window({ account, ledger, rules: source.rules, memory })
  return { window, pace: new Pace({ account, source, ledger, clock, memory, readOnly: dryRun }) }
}

/** After an orderly session: another one may show more, and comes soon enough to be worth it. */
export function mayShowMore({ window, pace }: Habits): boolean {
  // A look at a server that most likely has nothing more to show is not worth a long wait.
  return window.mayShowMore && (window.eager || pace.waitMs <= longestLookMs)
}

interface Surroundings {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly dryRun: boolean
}

export const longestLookMs = 60_000
