import type { Clock } from '../ports/clock.js'
import type { Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { Kept } from '../ports/quarantine.js'
import type { Receipt } from '../ports/target.js'
import type { Keeper } from './batch.js'
import type { Delivery } from './delivery.js'
import type { BatchLimits } from './lane-queue.js'
import type { Stillness } from './stillness.js'

/** What a lane tells the account it belongs to. */
export interface LaneObserver extends Keeper {
  /** The message's receipt is committed in the ledger. */
  delivered(delivery: Delivery, receipt: Receipt): void
  /** Its batch is committed without it; the ledger knows where it is kept, if it is. The lane goes on. */
  refused(delivery: Delivery, fault: Fault, kept: Kept | undefined): void
  /** One commit of the ledger. */
  checkpoint(messages: number): void
  /** The lane takes no more messages. */
  stopped(fault: Fault): void
}

export interface LaneContext extends OpeningContext {
  readonly observer: LaneObserver
  readonly stillness: Stillness
  /** The ledger of this lane is being rebuilt. */
  readonly adopting?: boolean
}

/** What is the same for all lanes. */
export interface OpeningContext {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly batch: BatchLimits
  readonly signal: AbortSignal
}
