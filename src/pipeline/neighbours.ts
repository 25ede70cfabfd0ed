import type { KnownAccount, Ledger } from '../ports/ledger.js'
import type { Lane, Neighbourhood } from '../ports/target.js'

/** The other lanes that the ledger knows at a place. */
export function neighboursOf(lane: Lane, place: string, known: readonly KnownAccount[]): readonly Lane[] {
  const lanes = known.flatMap(({ account, lanes }) =>
    lanes.filter((one) => one.place === place).map(({ target }) => ({ account, target })),
  )
  return lanes.filter(({ account, target }) => account !== lane.account || target !== lane.target)
}

/** What those have there. */
export function neighbourhood(lane: Lane, place: string, ledger: Ledger): Neighbourhood {
  const lanes = async (): Promise<readonly Lane[]> => neighboursOf(lane, place, await ledger.known())
  return {
    async *receipts() {
      for (const neighbour of await lanes()) yield* ledger.receipts(neighbour)
    },
    async announced() {
      const all = await Promise.all((await lanes()).map(async (neighbour) => ledger.load(neighbour)))
      return all.flatMap(({ announced }) => announced)
    },
  }
}
