import { resolve } from 'node:path'
import type { PlannedAccount } from '../src/plan/plan.js'
import type { Emit } from '../src/ports/event.js'
import type { OpenedPlan } from './open-plan.js'

/** What may not be meant, of the selected accounts. */
export function warn({ plan, accounts, exposed }: OpenedPlan, emit: Emit): void {
  const selected = new Set(accounts.map(({ name }: PlannedAccount) => name))
  for (const warning of plan.warnings) {
    if (warning.account === undefined || selected.has(warning.account)) emit({ type: 'warning', ...warning })
  }
  for (const file of exposed) {
    const message = `${resolve(file)} holds a password and others may read it: chmod 600, or take the password from elsewhere`
    emit({ type: 'warning', code: 'plan-readable', message })
  }
}
