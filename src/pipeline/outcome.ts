import type { AccountOutcome, Counts } from '../ports/event.js'
import type { Fault } from '../ports/fault.js'

/**
 * `failed`: nothing more will happen until someone looks; `incomplete`: some of it is missing. What a target's server
 * says of its account (a wrong password) is the target's matter.
 */
export function outcome(faults: readonly Fault[], ofTargets: readonly Fault[], counts: Counts): AccountOutcome {
  const ends = (scope: Fault['scope']): boolean => scope === 'run' || scope === 'account'
  if (faults.some(({ scope, transient }) => ends(scope) && !transient)) return 'failed'
  if (ofTargets.some(({ scope, transient }) => scope === 'run' && !transient)) return 'failed'
  return faults.length + ofTargets.length > 0 || counts.failed > 0 ? 'incomplete' : 'ok'
}
