import { Marks } from '../pipeline/roster.js'
import type { Ledger } from '../ports/ledger.js'
import type { Entry } from '../ports/message.js'
import type { Lane } from '../ports/target.js'
import type { Amount } from './estimate.js'

/**
 * What at least one target lacks of a listing, as far as the ids tell: those that have to be doubted, and `select`, are not
 * looked at. An undefined lane was never enrolled.
 */
export async function missingOf(
  entries: readonly Entry[],
  lanes: readonly (Lane | undefined)[],
  ledger: Pick<Ledger, 'delivered'>,
): Promise<Amount> {
  const numbers = new Map(entries.map(({ key }, number) => [key, number]))
  const lacking = new Marks()
  for (const lane of lanes) {
    const has = new Marks()
    for await (const page of lane ? ledger.delivered(lane) : []) {
      for (const { key } of page) {
        const number = numbers.get(key)
        if (number !== undefined) has.set(number)
      }
    }
    for (const number of entries.keys()) if (!has.has(number)) lacking.set(number)
  }
  const missing = entries.filter((_, number) => lacking.has(number))
  return { messages: missing.length, bytes: missing.reduce((sum, { size }) => sum + size, 0) }
}
