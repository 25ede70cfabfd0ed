import type { PlannedAccount } from '../src/plan/plan.js'
import { resolveSecrets } from '../src/plan/secrets.js'
import { systemClock } from './clock.js'
import type { JobContext } from './jobs.js'
import type { OpenedPlan } from './open-plan.js'
import { terminalPrompt } from './prompt.js'
import { Refusal } from './refusal.js'

/** Their secrets are nobody's business where only targets are asked. */
export function withoutSources(accounts: readonly PlannedAccount[]): readonly PlannedAccount[] {
  return accounts.map((account) => ({ ...account, secrets: new Map() }))
}

/**
 * The providers of the accounts' secrets; undefined when a signal came while one was asked for. Variables that held a
 * secret are removed: neither a child nor a diagnostic report shall see them (QUIRKS SEC-03, SEC-06).
 */
export async function secretsOf(
  { plan }: OpenedPlan,
  accounts: readonly PlannedAccount[],
  signal: AbortSignal,
): Promise<JobContext['secrets'] | undefined> {
  const prompt = terminalPrompt(signal)
  const env = { ...process.env }
  for (const variable of plan.secretVariables) Reflect.deleteProperty(process.env, variable)
  const options = { env, withheld: plan.secretVariables, clock: systemClock, ...(prompt && { prompt }) }
  const resolved = await resolveSecrets(accounts, options).catch((error: unknown) => {
    if (signal.aborted) return undefined
    throw error
  })
  if (resolved && 'diagnostics' in resolved) throw Refusal.ofPlan(resolved.diagnostics)
  return resolved?.providers
}
