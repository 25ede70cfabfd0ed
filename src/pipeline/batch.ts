import { asFault, type Fault } from '../ports/fault.js'
import type { Message } from '../ports/message.js'
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
 * Appends all at once that the target does not have already; the writer orders them. Nothing is still running when this
 * settles. Rejects with the first fault that is not of one message alone; what such a message is refused for, the keeper
 * hears. `gotOn` is called for every message, and every part of a large one that is read.
 */
export async function appendBatch(
  writer: Writer,
  batch: readonly Delivery[],
  { target, keeper, gotOn }: BatchSide,
): Promise<readonly Outcome[]> {
  const append = async (delivery: Delivery): Promise<Receipt> =>
    delivery.adopted(target) ?? writer.append(watched(delivery.message, gotOn)).finally(gotOn)
  const appended = await Promise.allSettled(batch.map(append))
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

interface BatchSide {
  /** The lane's. */
  readonly target: string
  readonly keeper: Keeper
  readonly gotOn: () => void
}

/** A message that is in memory is handed over in one piece. */
function watched(message: Message, gotOn: () => void): Message {
  if (message.bytes) return message
  const { key, size, sha256, header, bytes } = message
  async function* open(): AsyncIterable<Uint8Array> {
    for await (const chunk of message.open()) {
      yield chunk
      gotOn()
    }
  }
  return { key, size, sha256, header, bytes, open }
}
