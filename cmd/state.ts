import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Migration } from '../src/app/migrate.js'
import { diskFault, errorCode, makeDirectory } from '../src/files/durable.js'
import { type Lock, requireFree, takeLock } from '../src/files/lock.js'
import { openQuarantine } from '../src/files/quarantine.js'
import { openSpool } from '../src/files/spool.js'
import { openLedger } from '../src/ledgers/sqlite.js'
import { asFault, Fault } from '../src/ports/fault.js'
import type { Spool } from '../src/ports/spool.js'
import { systemClock } from './clock.js'
import type { OpenedPlan } from './open-plan.js'

export type State = Pick<Migration, 'ledger' | 'spool' | 'quarantine'> & AsyncDisposable

/**
 * What a command does with the state: `work` in it, alone; `inspect` what stands still meanwhile, and write nothing but the
 * lock; or `look` at what is there, beside anybody, and leave no trace.
 */
export type Access = 'work' | 'inspect' | 'look'

/** The state folder with its ledger, spool and quarantine. Throws `held` where another process works in it. */
export async function openState({ plan, stateFolder, run }: OpenedPlan, access: Access): Promise<State> {
  // Where nothing was ever recorded nobody works, and nothing is to be left behind.
  const locks = access === 'work' || (access === 'inspect' && (await exists(stateFolder)))
  const lock = locks ? await lockState(stateFolder, { run, what: `the state of ${plan.file}` }) : undefined
  try {
    const spool = access === 'work' ? await openSpool(join(stateFolder, 'spool')) : noSpool
    const quarantine = openQuarantine(join(stateFolder, 'quarantine'), systemClock)
    const ledger = await openLedger({ folder: stateFolder, readOnly: access !== 'work', clock: systemClock })
    const close = async (): Promise<void> => {
      try {
        await ledger[Symbol.asyncDispose]()
      } finally {
        await lock?.release()
      }
    }
    return { ledger, spool, quarantine, [Symbol.asyncDispose]: close }
  } catch (error) {
    await lock?.release()
    throw error
  }
}

/** The fault that names who works in the state, if anybody does. Leaves no trace. */
export async function heldState({ stateFolder }: OpenedPlan): Promise<Fault | undefined> {
  try {
    await requireFree(lockPath(stateFolder))
    return undefined
  } catch (error) {
    const fault = asFault(error)
    if (fault.code !== 'held') throw new Fault('state-failed', fault.message, { cause: error })
    return fault
  }
}

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    (error: unknown) => errorCode(error) !== 'ENOENT',
  )
}

async function lockState(folder: string, holder: { run: string; what: string }): Promise<Lock> {
  try {
    await makeDirectory(folder, 0o700)
  } catch (error) {
    throw new Fault('state-failed', diskFault(error, 'create', folder).message, { cause: error })
  }
  return takeLock(lockPath(folder), holder)
}

function lockPath(folder: string): string {
  return join(folder, 'lock')
}

const noSpool: Spool = {
  create: () => {
    throw new TypeError('nothing is fetched here')
  },
}
