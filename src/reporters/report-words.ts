import { countText, numberText } from '../ports/figures.js'
import type { Doubt, Report, Totals, Verdict } from '../ports/report.js'

/** The verdict in one sentence, without a name in it. */
export function verdictText({ verdict, totals }: Pick<Report, 'verdict' | 'totals'>): string {
  if (verdict === 'complete') return 'Everything is there.'
  if (verdict === 'unknown') return 'It is not certain yet that everything is there.'
  const missing = missingOf(totals)
  if (missing === 0) return 'Something is missing.'
  return missing === 1 ? '1 message is missing.' : `${numberText(missing)} messages are missing.`
}

/** Messages that at least one target lacks, as far as anybody has counted. */
export function missingOf({ failed, pending, unlisted }: Totals): number {
  return failed + pending + unlisted
}

/** What stands behind the verdict: sentences without names. */
export function groundsOf(report: Report): readonly string[] {
  const { verdict, totals, run, working, accounts } = report
  const { filtered, vanished, short } = totals
  const planned = accounts.filter((account) => account.planned)
  const unsure = planned.filter((account) => account.verdict === 'unknown').length
  return [
    extentOf(report),
    ...(verdict === 'missing'
      ? ['Each one that is missing is named below, with the reason; what to do is said with its account.']
      : []),
    ...(filtered > 0 ? [`${countText(filtered, 'message')} ${beOf(filtered)} left out, as the plan says.`] : []),
    ...(vanished > 0
      ? [`${countText(vanished, 'message')} ${beOf(vanished)} gone from the server before a copy could be made.`]
      : []),
    ...(short > 0
      ? [`${countText(short, 'message')} arrived shorter than the server had listed; stored as received.`]
      : []),
    ...(unsure > 0
      ? [`Of ${countText(unsure, 'account')} it is not known whether everything is there; see below.`]
      : []),
    ...(working === undefined ? [] : [`A run is working just now: this is what it had recorded. ${working}`]),
    ...(working === undefined && run && run.finishedAt === undefined
      ? [
          'The last run did not come to its end (it was killed, or the machine stopped); the next one goes on from there.',
        ]
      : []),
  ]
}

function extentOf({ verdict, totals: { listed, copied, present } }: Report): string {
  const there = copied + present
  if (verdict === 'complete') {
    return there === 0
      ? 'There was nothing to copy.'
      : `All ${countText(there, 'message')} that were to be copied are at every target.`
  }
  if (listed === 0) return 'No run has come to see what the servers hold.'
  return `${numberText(there)} of ${countText(listed, 'listed message')} ${there === 1 ? 'is' : 'are'} at every target.`
}

function beOf(count: number): string {
  return count === 1 ? 'was' : 'were'
}

export const verdictNames = {
  complete: 'complete',
  missing: 'incomplete',
  unknown: 'uncertain',
} as const satisfies Record<Verdict, string>

export const doubtTexts = {
  'never-run': 'No run has come to this account yet.',
  'not-listed': 'The last run did not come to see what the server holds.',
  stopped: 'The last run did not come to the end of this account.',
  uncounted:
    'It was last copied by a version of popferry that did not record what the server listed; the next run does.',
  'new-target': 'The plan names a target to which nothing was copied yet.',
} as const satisfies Record<Doubt, string>
