import type { AccountOutcome, Counts } from '../ports/event.js'
import type { Fault } from '../ports/fault.js'

/** `failed`: nothing more will happen until someone looks; `incomplete`: some of it is missing. */
export function outcome(faults: readonly Fault[], counts: Counts): AccountOutcome {
  if (faults.some(({ scope, transient }) => (scope === 'account' || scope === 'run') && !transient)) return 'failed'
  return faults.length > 0 || counts.failed > 0 ? 'incomplete' : 'ok'
}
