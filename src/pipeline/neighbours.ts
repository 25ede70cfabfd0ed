import type { KnownAccount } from '../ports/ledger.js'
import type { Lane } from '../ports/target.js'

/** The other lanes that the ledger knows at a place. */
export function neighboursOf(lane: Lane, place: string, known: readonly KnownAccount[]): readonly Lane[] {
  const lanes = known.flatMap(({ account, lanes }) =>
    lanes.filter((one) => one.place === place).map(({ target }) => ({ account, target })),
  )
  return lanes.filter(({ account, target }) => account !== lane.account || target !== lane.target)
}
