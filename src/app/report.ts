import { quarantineName } from '../pipeline/quarantine.js'
import { hintOf } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import { type AccountRecord, RecordsChanged, type UncopiedRecord } from '../ports/records.js'
import type { AccountReport, Report, ReportForm, UncopiedMessage, UncopiedReason } from '../ports/report.js'
import { AccountTally, type PlannedOnes, unknownAccount } from './report-account.js'
import { Statistics } from './report-statistics.js'

/** Where the list of what was not copied is written down before anybody knows what stands above it. */
export interface Draft {
  /** Octets. */
  readonly size: number
  write(text: string): Promise<void>
  /** Takes back what stands behind so many octets. */
  cut(size: number): Promise<void>
}

export interface ReportOrder {
  readonly ledger: Ledger
  readonly planned: readonly PlannedAccount[]
  /** Also accounts that the plan does not have any more. */
  readonly former: boolean
  readonly at: number
  readonly version: string
  /** The plan's path. */
  readonly plan: string
  readonly working?: string
  readonly form: Pick<ReportForm, 'messages' | 'closing'>
  readonly draft: Draft
  /** Of a file in the quarantine. */
  readonly subjectOf: (name: string) => Promise<string | undefined>
  /** Asked now and then; throws where there is no time left. */
  readonly proceed?: () => void
}

interface PlannedAccount {
  readonly name: string
  readonly previously?: string
  readonly targets: readonly { readonly name: string; readonly previously?: string }[]
}

/**
 * Puts together what the ledger knows, also beside a run that works: writes the list of what was not copied into the draft, and
 * returns everything else. What it tells of an account is of one moment, so that its sums add up.
 */
export async function report(order: ReportOrder): Promise<Report> {
  const { ledger, at, version, plan, working } = order
  const statistics = new Statistics()
  const accounts: AccountReport[] = []
  for (const { recorded, planned } of await accountsOf(order)) {
    const one = recorded === undefined ? unknownAccount(planned) : await tell(recorded, { planned, order, statistics })
    if (one) accounts.push(one)
  }
  const runs = await ledger.records.runs()
  const run = runs && { ...runs.last, count: runs.count }
  const facts = { accounts, ...(run && { run }), ...(working !== undefined && { working }) }
  return { at, version, plan, ...facts, ...statistics.of(facts) }
}

interface Subject {
  /** Its name in the ledger. */
  readonly recorded: string | undefined
  readonly planned: PlannedOnes
}

/** Those of the plan in its order, then those that only the ledger knows. */
async function accountsOf({ ledger, planned, former }: ReportOrder): Promise<readonly Subject[]> {
  const known = new Map((await ledger.known()).map((one) => [one.account, one]))
  const recordedName = (name: string, previously: string | undefined): string | undefined =>
    [name, previously].find((one) => one !== undefined && known.has(one))
  const subjects = planned.map(({ name, previously, targets }): Subject => {
    const recorded = recordedName(name, previously)
    const lanes = new Set(known.get(recorded ?? '')?.lanes.map(({ target }) => target))
    const named = targets.map((target) => {
      const was = target.previously !== undefined && !lanes.has(target.name) && lanes.has(target.previously)
      return { name: target.name, recorded: was ? (target.previously ?? '') : target.name }
    })
    return { recorded, planned: { name, targets: named } }
  })
  const told = new Set(subjects.map(({ recorded }) => recorded))
  const others = former ? [...known.keys()].filter((name) => !told.has(name)) : []
  return [...subjects, ...others.map((name): Subject => ({ recorded: name, planned: { name, targets: undefined } }))]
}

interface Telling {
  readonly planned: PlannedOnes
  readonly order: ReportOrder
  readonly statistics: Statistics
}

/** Undefined where it was renamed meanwhile. */
async function tell(recorded: string, telling: Telling): Promise<AccountReport | undefined> {
  const { ledger, draft } = telling.order
  const start = draft.size
  for (;;) {
    const record = await ledger.records.account(recorded)
    if (!record) return undefined
    try {
      return await tellOnce(record, telling)
    } catch (error) {
      // A run has come to the end of this account meanwhile: told from the start, as it is now.
      if (!(error instanceof RecordsChanged)) throw error
      await draft.cut(start)
    }
  }
}

async function tellOnce(record: AccountRecord, { planned, order, statistics }: Telling): Promise<AccountReport> {
  const { ledger, draft, form } = order
  const tally = new AccountTally(record, planned)
  const targets = planned.targets?.map(({ recorded }) => recorded) ?? record.lanes.map(({ target }) => target)
  let told = 0
  for await (const page of ledger.records.uncopied(record, targets)) {
    order.proceed?.()
    const messages: UncopiedMessage[] = []
    for (const one of page) {
      if (one.arrived) tally.arrived(one.state)
      else messages.push(await worded(one, { record, planned, order }))
    }
    for (const message of messages) tally.uncopied(message)
    if (messages.length === 0) continue
    await draft.write(form.messages(messages, { opening: draft.size === 0, before: told }))
    told += messages.length
  }
  if (told > 0) await draft.write(form.closing())
  // Receipts are only added while a run works: whatever comes during this is counted once, or by the next report.
  for await (const page of ledger.records.copies(record)) {
    order.proceed?.()
    for (const copies of page) {
      tally.copies(copies)
      if (planned.targets) statistics.copies(copies)
    }
  }
  return tally.report
}

interface Wording {
  readonly record: AccountRecord
  readonly planned: PlannedOnes
  readonly order: ReportOrder
}

async function worded(
  { key, state, size, reasons, kept }: UncopiedRecord,
  { record, planned, order }: Wording,
): Promise<UncopiedMessage> {
  const subject = kept && (await order.subjectOf(quarantineName(record.origin, kept)))
  const names = new Map(planned.targets?.map((target) => [target.recorded, target.name]))
  const given = reasons.map(({ target, code, error }): UncopiedReason => {
    const hint = hintOf(code)
    const where = target === undefined ? {} : { target: names.get(target) ?? target }
    return { ...where, code, error, ...(hint !== undefined && { hint }) }
  })
  return {
    account: planned.name,
    key,
    state,
    ...(size !== undefined && { size }),
    ...(subject !== undefined && subject !== '' && { subject }),
    reasons: given.length > 0 ? given : [untried(state, record)],
  }
}

/** Nothing was recorded of the message itself. */
function untried(state: UncopiedRecord['state'], { last, outcome }: AccountRecord): UncopiedReason {
  if (state === 'vanished') {
    return { code: 'vanished', error: 'it was gone from the server before it could be fetched' }
  }
  const stop = last?.run === outcome?.run ? last?.error : undefined
  const error = stop === undefined ? 'not tried yet: left for a later run' : `not tried, as the run stopped: ${stop}`
  return { code: 'pending', error, hint: 'run again' }
}
