import type { Ledger } from '../ports/ledger.js'
import type { RollCall } from './roll-call.js'
import type { Roster } from './roster.js'

/**
 * The listed messages whose ids are those of messages that we deleted: a server that counts its ids from the start may use
 * them for other messages by now (QUIRKS LST-20), so they have to be fetched before anybody calls them known. A server that
 * does not delete at all would hand out its whole maildrop again in every run: that one is believed.
 */
export async function returned(
  account: string,
  { ledger, roster }: { ledger: Ledger; roster: Roster },
): Promise<readonly number[]> {
  const gone: number[] = []
  const open: number[] = []
  let requested = 0
  for await (const page of ledger.deletions.requested(account)) {
    for (const { key, listed, state } of page) {
      if (state !== 'gone') requested++
      // Under the id that was deleted, or under its first one.
      for (const id of new Set([listed, key])) {
        const number = roster.numberListedAs(id)
        if (number === undefined || !roster.isListed(number) || roster.keyOf(number) !== key) continue
        if (state === 'gone') gone.push(number)
        else open.push(number)
      }
    }
  }
  const deletesNothing = open.length > fewAgain && open.length * 2 > requested
  return deletesNothing ? gone : [...gone, ...open]
}

/** How many messages of a listing we deleted, as far as is known. */
export async function countDeleted(
  account: string,
  { ledger, listing }: { ledger: Ledger; listing: RollCall },
): Promise<number> {
  let count = 0
  for await (const page of ledger.deletions.requested(account)) {
    for (const { listed, state } of page) if (state !== 'kept' && listing.has(listed)) count++
  }
  return count
}

/** So many may be fetched once more in each run. */
const fewAgain = 20
