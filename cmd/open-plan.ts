import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { loadPlan } from '../src/plan/load.js'
import type { Plan, PlannedAccount } from '../src/plan/plan.js'
import { NoSuchAccount, selectAccounts } from '../src/plan/select.js'
import type { Clock } from '../src/ports/clock.js'
import { kinds } from '../src/registry.js'
import type { CommonOptions } from './options.js'
import { Refusal } from './refusal.js'

export interface OpenedPlan {
  readonly plan: Plan
  /** The accounts that were asked for. */
  readonly accounts: readonly PlannedAccount[]
  readonly stateFolder: string
  /** This invocation's id: sorts by time, and is safe as a part of a path. */
  readonly run: string
  /** Files in which secrets stand and that others may read. */
  readonly exposed: readonly string[]
}

/** Reads the plan and applies the options to it. Throws a Refusal that says everything that is wrong. */
export async function openPlan(
  file: string,
  { account, state }: Pick<CommonOptions, 'account' | 'state'>,
  clock: Pick<Clock, 'now'>,
): Promise<OpenedPlan> {
  const now = new Date(clock.now())
  const run = `${now.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`
  const loaded = loadPlan({ bytes: await readPlan(file), file, kinds, now, run })
  if ('diagnostics' in loaded) throw Refusal.ofPlan(loaded.diagnostics)
  const { plan } = loaded
  return {
    plan,
    accounts: select(plan, account),
    stateFolder: state === undefined ? plan.state : resolve(state),
    run,
    exposed: await whatOthersRead(plan.secretFiles),
  }
}

async function readPlan(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    if (code === 'ENOENT')
      throw new Refusal([`${file}: there is no such plan; \`popferry init\` writes one to start from`])
    throw new Refusal([`${file}: the plan cannot be read (${code})`])
  }
}

function select(plan: Plan, patterns: readonly string[]): readonly PlannedAccount[] {
  try {
    return selectAccounts(plan, patterns)
  } catch (error) {
    if (error instanceof NoSuchAccount) throw new Refusal([error.message])
    throw error
  }
}

/** QUIRKS SEC-05. */
async function whatOthersRead(files: readonly string[]): Promise<readonly string[]> {
  if (process.platform === 'win32') return []
  const modes = await Promise.all(files.map(async (file) => (await stat(file)).mode))
  return files.filter((_, index) => ((modes[index] ?? 0) & 0o044) !== 0)
}
