import type { LaneStep } from '../../src/ports/ledger.js'
import type { Message } from '../../src/ports/message.js'
import type { ReadBack, Receipt, Target } from '../../src/ports/target.js'
import { collect } from './collect.js'
import type { MemoryLedger } from './memory-ports.js'

export const lane = { account: 'alice', target: 'archive' }
export const signal = new AbortController().signal

interface RunOptions {
  /** It ends as if killed after so many steps, which are begin, each append, and commit. */
  readonly kill?: number | undefined
  /** What it begins, if that is more than it brings. */
  readonly announce?: readonly Message[]
  /** Announced by a dead run and not to be had in this one: it stays announced. */
  readonly postponed?: readonly Message[]
  /** False: the run never came to its end. */
  readonly sealed?: boolean
}

/** One run of the engine's loop, without the engine: one batch. */
export async function deliver(
  target: Target,
  ledger: MemoryLedger,
  batch: readonly Message[],
  { kill, announce = batch, postponed = [], sealed = true }: RunOptions = {},
): Promise<readonly Receipt[]> {
  await using writer = await target.open(lane, await ledger.load(lane), signal)
  let steps = 0
  if (steps++ === kill) return []
  await writer.admit(batch)
  const begun = (messages: readonly Message[]): NonNullable<LaneStep['begun']> => {
    const announced = messages.map(({ key, sha256, size }) => ({ key, sha256, size }))
    return { announced, position: writer.position, at: 0 }
  }
  await ledger.advance(lane, { begun: begun([...announce, ...postponed]) })
  const receipts: Receipt[] = []
  for (const one of batch) {
    if (steps++ === kill) return []
    receipts.push(await writer.append(one))
  }
  if (steps++ === kill) return []
  const position = await writer.commit()
  if (steps++ === kill) return []
  const committed = { receipts, position, at: 0 }
  await ledger.advance(lane, { committed, ...(postponed.length > 0 && { begun: begun(postponed) }) })
  if (!sealed) return receipts
  for await (const { position, moved = [], volume } of writer.seal?.(true) ?? []) {
    if (steps++ === kill) return receipts
    const finished = volume && { volume: { ...volume, at: 0 } }
    await ledger.advance(lane, { begun: { ...begun(postponed), position }, moved, ...finished })
    if (steps++ === kill) return receipts
  }
  return receipts
}

/** How the target finds what the ledger has receipts for, in their order. */
export async function readBack(target: Target, ledger: MemoryLedger): Promise<readonly ReadBack['state'][]> {
  const found = await collect(target.read(lane, await ledger.load(lane), ledger.receipts(lane)))
  return found.map(({ state }) => state)
}

export async function receiptsOf(ledger: MemoryLedger): Promise<readonly Receipt[]> {
  return collect(ledger.receipts(lane))
}
