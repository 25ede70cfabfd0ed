import type { MigrationJob } from '../src/app/migrate.js'
import { ruleDate } from '../src/mail/date.js'
import type { Plan, PlannedAccount } from '../src/plan/plan.js'
import type { SecretProviders } from '../src/plan/secrets.js'
import type { Clock } from '../src/ports/clock.js'
import type { Emit } from '../src/ports/event.js'
import { Fault } from '../src/ports/fault.js'
import type { SourceContext } from '../src/ports/kind.js'
import type { Target } from '../src/ports/target.js'

export interface JobContext {
  readonly plan: Plan
  readonly run: string
  readonly stateFolder: string
  readonly clock: Clock
  readonly emit: Emit
  readonly transcript: boolean
  readonly secrets: SecretProviders
}

/** Makes the adapters of the accounts. Throws a Fault `plan-conflict` where the plan cannot work. */
export function makeJobs(accounts: readonly PlannedAccount[], context: JobContext): readonly MigrationJob[] {
  const jobs = accounts.map((account) => naming(account.name, () => makeJob(account, context)))
  const conflicts = meetings(jobs)
  if (conflicts.length > 0) throw new Fault('plan-conflict', conflicts.join('\n'))
  return jobs
}

function makeJob(planned: PlannedAccount, context: JobContext): MigrationJob {
  const { plan, run, stateFolder: state, clock, emit, transcript } = context
  const { name, previously, host, user, source, select, targets, deleteAfter } = planned
  const { timeouts } = plan
  const signedIn = (specs: PlannedAccount['secrets']): SourceContext => {
    const secrets = [...specs].flatMap(([key, spec]) => {
      const provider = context.secrets.get(spec)
      return provider ? [[key, provider] as const] : []
    })
    return { account: name, clock, emit, timeouts, transcript, secrets: new Map(secrets) }
  }
  const maildrop = source.kind.create(source.settings, signedIn(planned.secrets))
  if (deleteAfter !== undefined && maildrop.rules.identity === 'content') {
    throw new Fault(
      'plan-conflict',
      '`afterCopy` deletes by id, and `identity: content` is for servers without ids: keep',
    )
  }
  return {
    name,
    ...(previously !== undefined && { previously }),
    host,
    user,
    source: maildrop,
    ...(deleteAfter !== undefined && { deleteAfter }),
    ...(select && { select: { ...select, dateOf: (header) => ruleDate(header, 'received', clock.now()) } }),
    targets: targets.map(({ name, previously, kind, settings, secrets, series }) => ({
      name,
      ...(previously !== undefined && { previously }),
      target: kind.create(settings, { ...signedIn(secrets), target: name, series, run, state }),
    })),
  }
}

/** An adapter does not know whose it is. */
function naming<T>(account: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'plan-conflict') throw error
    throw new Fault('plan-conflict', `account "${account}": ${error.message}`, error.facts)
  }
}

/** Lanes that meet at one place although they must not: two of one account never, others only where it is shareable. */
function meetings(jobs: readonly MigrationJob[]): readonly string[] {
  const first = new Map<string, { readonly account: string; readonly lane: string }>()
  const conflicts: string[] = []
  for (const { name: account, targets } of jobs) {
    for (const { name, target } of targets) {
      const lane = `target "${name}" of account "${account}"`
      const other = first.get(target.place)
      if (other && (other.account === account || !target.shareable)) {
        conflicts.push(`${lane} and ${other.lane} are one place (${pathOf(target)}): give each a path of its own`)
      }
      first.set(target.place, other ?? { account, lane })
    }
  }
  return conflicts
}

/** A place is `kind:path`. */
function pathOf({ place }: Target): string {
  return place.slice(place.indexOf(':') + 1)
}
