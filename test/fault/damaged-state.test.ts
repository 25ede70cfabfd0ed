import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { asFault } from '../../src/ports/fault.js'
import { Random } from '../../src/sample/random.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { tempFolder, type TempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { run } from './run.js'
import { fresh, messages, requireExact, thorough } from './scene.js'
import { count } from './tally.js'

const seed = Number(process.env['POPFERRY_SEED'] ?? Date.now() % 1_000_000)

let server: FakePop3Server
/** What a run has left that came to its end, and one that was stopped in the middle. */
let ended: TempFolder
let stopped: TempFolder

beforeAll(async () => {
  server = await FakePop3Server.start({ messages })
  ended = await fresh()
  await run(server, ended, new Steps())
  stopped = await fresh()
  await run(server, stopped, new Steps(60)).catch(() => undefined)
})

afterAll(async () => {
  for (const one of [server, ended, stopped]) await one[Symbol.asyncDispose]()
})

/** Damages a copy of what a run has left, and runs: the codes that say no, or undefined where all is well. */
async function attempt(left: TempFolder, damage: (ledger: string) => Promise<void>): Promise<Attempt> {
  await using folder = await tempFolder()
  await cp(left.path, folder.path, { recursive: true, preserveTimestamps: true })
  await damage(folder.at('state', 'ledger.db'))
  const codes: string[] = []
  try {
    const { accounts } = await run(server, folder, new Steps())
    for (const fault of accounts[0]?.faults ?? []) codes.push(fault.code)
  } catch (error) {
    codes.push(asFault(error).code)
  }
  if (codes.length > 0) return { codes }
  return { codes, checked: await requireExact(folder) }
}

interface Attempt {
  readonly codes: readonly string[]
  readonly checked?: Awaited<ReturnType<typeof requireExact>>
}

it(`FS-11 a byte of the ledger flipped, seed ${seed}: refused, or each message once all the same`, async (context) => {
  const random = new Random(seed)
  const refusals: string[] = []
  for (let round = 0; round < (thorough ? 2000 : 60); round++) {
    const left = round % 3 === 0 ? stopped : ended
    let where = ''
    const flip = async (ledger: string): Promise<void> => {
      const bytes = await readFile(ledger)
      // Most of a page is empty: a byte that says something.
      let at = random.below(bytes.length)
      while (bytes[at] === 0) at = random.below(bytes.length)
      const mask = 1 << random.below(8)
      where = `seed ${seed}, round ${round}: bit ${mask} of byte ${at}, ${JSON.stringify(bytes.subarray(at - 30, at + 10).toString('latin1'))}`
      bytes[at] = (bytes[at] ?? 0) ^ mask
      await writeFile(ledger, bytes)
    }
    const { codes, checked } = await attempt(left, flip).catch((error: unknown) => {
      throw new Error(where, { cause: error })
    })
    count(context, { faults: 1, ...checked })
    refusals.push(...codes)
    for (const code of codes) expect(code, where).not.toBe('internal')
  }
  expect(refusals).toContain('ledger-damaged')
}, 3_600_000)

it('FS-11 a ledger that is cut anywhere is refused', async (context) => {
  const { length } = await readFile(ended.at('state', 'ledger.db'))
  for (let octets = 0; octets < length; octets += thorough ? 512 : 4096 + 512) {
    const { codes } = await attempt(ended, async (ledger) => truncate(ledger, octets))
    count(context, { faults: 1 })
    expect(codes, `${octets} octets of ${length}`).toEqual(['ledger-damaged'])
  }
}, 3_600_000)

it('FS-11 a ledger that is gone is missed', async () => {
  const { codes } = await attempt(ended, async (ledger) => rm(ledger))
  expect(new Set(codes)).toEqual(new Set(['ledger-missing']))
})
