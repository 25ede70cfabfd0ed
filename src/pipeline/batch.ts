import { asFault, type Fault } from '../ports/fault.js'
import type { Kept } from '../ports/quarantine.js'
import type { Receipt, Writer } from '../ports/target.js'
import type { Delivery } from './delivery.js'

/** What became of one message of a batch. */
export interface Outcome {
  readonly delivery: Delivery
  readonly receipt?: Receipt
  readonly refusal?: { readonly fault: Fault; readonly kept: Kept | undefined }
}

export interface Keeper {
  /** A target refused the message for good: makes it safe where that can be done, before the batch is committed. */
  keep(delivery: Delivery, fault: Fault): Promise<Kept | undefined>
}

/**
 * Appends all at once; the writer orders them. Nothing is still running when this settles. Rejects with the first fault
 * that is not of one message alone.
 */
export async function appendBatch(
  writer: Writer,
  batch: readonly Delivery[],
  keeper: Keeper,
): Promise<readonly Outcome[]> {
  const appended = await Promise.allSettled(batch.map(async ({ message }) => writer.append(message)))
  const faults = appended.map((one) => (one.status === 'rejected' ? asFault(one.reason) : undefined))
  const fatal = faults.find((fault) => fault && fault.scope !== 'message')
  if (fatal) throw fatal
  const outcomes: Outcome[] = []
  for (const [index, delivery] of batch.entries()) {
    const fault = faults[index]
    const one = appended[index]
    if (fault) outcomes.push({ delivery, refusal: { fault, kept: await keeper.keep(delivery, fault) } })
    else if (one?.status === 'fulfilled') outcomes.push({ delivery, receipt: one.value })
  }
  return outcomes
}
