import type { Enrolment, KnownAccount } from '../ports/ledger.js'
import type { Lane } from '../ports/target.js'

export function isKnown(lane: Lane, known: readonly KnownAccount[]): boolean {
  return known.some(
    ({ account, lanes }) => account === lane.account && lanes.some(({ target }) => target === lane.target),
  )
}

/** Names in the plan may be newer than those in the ledger, which is only looked at. */
export function recordedLane(
  job: { readonly name: string; readonly targets: readonly { readonly name: string }[] },
  enrolment: Enrolment | undefined,
  lane: number,
): Lane {
  const target = enrolment?.lanes[lane]?.was ?? job.targets[lane]?.name ?? ''
  return { account: enrolment?.was ?? job.name, target }
}
