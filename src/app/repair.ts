import type { AccountJob } from '../pipeline/account-job.js'
import { Inspection } from '../pipeline/inspection.js'
import { neighboursOf } from '../pipeline/neighbours.js'
import type { Clock } from '../ports/clock.js'
import type { Emit } from '../ports/event.js'
import { asFault, Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { MessageKey } from '../ports/message.js'
import type { Lane, Receipt, Target } from '../ports/target.js'

export interface RepairContext {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly emit: Emit
  readonly signal: AbortSignal
}

/**
 * Looks through an account's targets and corrects the ledger: what is missing there the lanes lack from now on, so that the
 * run copies it again like any other message, killed or not; what stands elsewhere is known to stand there. Nothing at the
 * targets is changed. Resolves with what the run cannot put right; a target that cannot be looked through stays as it is.
 */
export async function repair(job: AccountJob, context: RepairContext): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  for (const { name, target } of job.targets) {
    if (context.signal.aborted) break
    const lane = { account: job.name, target: name }
    try {
      faults.push(...(await repairLane(lane, target, context)))
    } catch (error) {
      const fault = asFault(error)
      context.emit({ type: 'target.stopped', ...lane, fault })
      faults.push(fault)
    }
  }
  return faults
}

async function repairLane(lane: Lane, target: Target, context: RepairContext): Promise<readonly Fault[]> {
  const { ledger, emit, signal } = context
  const neighbours = neighboursOf(lane, target.place, await ledger.known())
  const counts = { missing: 0, altered: 0, duplicated: 0 }
  const lost: MessageKey[] = []
  const found: Receipt[] = []
  const altered: MessageKey[] = []
  const inspection = new Inspection(
    { lane, target, neighbours },
    {
      ledger,
      signal,
      read: () => undefined,
      found: ({ defect, key }) => {
        counts[defect]++
        if (defect === 'altered') altered.push(key)
      },
      amend: {
        lost: ({ key }) => {
          lost.push(key)
        },
        stands: (receipt) => {
          found.push(receipt)
        },
      },
    },
  )
  await inspection.run()
  if (signal.aborted) return []
  await amend(lane, target, { lost, found }, context)
  // The good copy may be the one at the source.
  if (altered.length > 0) await ledger.deletions.doubt(lane, altered)
  return (['altered', 'duplicated'] as const)
    .filter((defect) => counts[defect] > 0)
    .map((code) => {
      const words = code === 'altered' ? 'altered' : 'there more than once'
      const fault = new Fault(
        code,
        `of ${inspection.checked} messages ${counts[code]} ${counts[code] === 1 ? 'is' : 'are'} ${words}`,
      )
      emit({
        type: 'warning',
        account: lane.account,
        code,
        message: `target ${lane.target}: ${fault.message}; ${fault.hint}`,
      })
      return fault
    })
}

/** In parts: each of them is true by itself. The position comes last, when nothing is expected any more where nothing is. */
async function amend(
  lane: Lane,
  target: Target,
  { lost, found }: { readonly lost: readonly MessageKey[]; readonly found: readonly Receipt[] },
  { ledger, clock }: RepairContext,
): Promise<void> {
  const progress = await ledger.load(lane)
  if (progress.position === undefined) return
  const position = await target.reanchor?.(progress)
  const at = clock.now()
  for (let from = 0; from < Math.max(lost.length, found.length); from += partSize) {
    const part = { lost: lost.slice(from, from + partSize), found: found.slice(from, from + partSize) }
    await ledger.amend(lane, { ...part, at })
  }
  if (position !== undefined && position !== progress.position) await ledger.amend(lane, { position, at })
}

const partSize = 5000
