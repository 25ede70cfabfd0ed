import { cp, readdir, rm, unlink } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import type { TempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { run } from './run.js'
import { fresh, messages, requireExact, thorough } from './scene.js'
import { count } from './tally.js'

let server: FakePop3Server

beforeAll(async () => {
  server = await FakePop3Server.start({ messages })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function loseState(folder: TempFolder): Promise<void> {
  await rm(folder.at('state'), { recursive: true })
}

const losses: readonly (readonly [string, (folder: TempFolder) => Promise<void>])[] = [
  [
    'the state, when all was copied',
    async (folder) => {
      await run(server, folder, new Steps())
      await loseState(folder)
    },
  ],
  [
    'the state, when some was copied, one of two twins among it',
    async (folder) => {
      await run(server, folder, new Steps(), { limit: 2 })
      await loseState(folder)
    },
  ],
  [
    'the state, some files of the Maildir and the archive',
    async (folder) => {
      await run(server, folder, new Steps())
      await loseState(folder)
      const names = (await readdir(folder.at('maildir', 'new'))).filter((name) => name.includes('popferry'))
      for (const name of names.slice(0, 3)) await unlink(folder.at('maildir', 'new', name))
      await rm(folder.at('zips'), { recursive: true })
    },
  ],
  [
    'the second half of the ledger, as in a backup',
    async (folder) => {
      await run(server, folder, new Steps(), { limit: 2 })
      await cp(folder.at('state'), folder.at('backup'), { recursive: true })
      await run(server, folder, new Steps())
      await loseState(folder)
      await cp(folder.at('backup'), folder.at('state'), { recursive: true })
      await rm(folder.at('backup'), { recursive: true })
    },
  ],
]

describe.each(losses)('--adopt stopped at every step, having lost %s', (_, lose) => {
  it('ends with each message exactly once', async (context) => {
    await using whole = await fresh()
    await lose(whole)
    const all = new Steps()
    const outcome = await run(server, whole, all, { adopt: true })
    expect(outcome.accounts[0]?.faults).toEqual([])
    expect(outcome.counts).toMatchObject({ listed: 6, failed: 0 })
    await requireExact(whole)
    for (let stopAt = 1; stopAt <= all.count; stopAt += thorough ? 1 : 17) {
      await using folder = await fresh()
      await lose(folder)
      const steps = new Steps(stopAt)
      await run(server, folder, steps, { adopt: true }).catch(() => undefined)
      // What has begun, any run goes on with; before that, one without --adopt is refused.
      const adopt = stopAt % 2 === 0
      let again = await run(server, folder, new Steps(), { adopt })
      if (!adopt && again.accounts[0]?.faults.some(({ code }) => code === 'ledger-missing')) {
        again = await run(server, folder, new Steps(), { adopt: true })
      }
      expect(again.accounts[0]?.faults, `stopped at step ${stopAt}`).toEqual([])
      count(context, { stops: 1, ...(await requireExact(folder)) })
      const third = await run(server, folder, new Steps())
      expect(third.counts, `stopped at step ${stopAt}`).toMatchObject({ copied: 0, present: 6 })
      await requireExact(folder)
    }
  }, 3_600_000)
})
