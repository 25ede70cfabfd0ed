import type { Enrolment, KnownAccount } from '../ports/ledger.js'
import type { Lane } from '../ports/target.js'

/** The other lanes that the ledger knows at a place. */
export function neighboursOf(lane: Lane, place: string, known: readonly KnownAccount[]): readonly Lane[] {
  return lanesOf(known)
    .filter((other) => other.place === place && !isSame(other.lane, lane))
    .map((other) => other.lane)
}

export function isKnown(lane: Lane, known: readonly KnownAccount[]): boolean {
  return lanesOf(known).some((other) => isSame(other.lane, lane))
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

function lanesOf(known: readonly KnownAccount[]): readonly { readonly lane: Lane; readonly place: string }[] {
  return known.flatMap(({ account, lanes }) => lanes.map(({ target, place }) => ({ lane: { account, target }, place })))
}

function isSame(one: Lane, other: Lane): boolean {
  return one.account === other.account && one.target === other.target
}
