import { describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { tempFolder, type TempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { eightBodies, fiftyBodies, requireStored, withIds } from './reset.js'
import { run } from './run.js'
import { thorough } from './scene.js'

describe('a maildrop that comes back with new ids', () => {
  it('is recognised message by message, and stored nowhere again (QUIRKS LST-04)', async () => {
    await using server = await FakePop3Server.start({ messages: withIds('a') })
    await using folder = await tempFolder()
    await run(server, folder, new Steps())
    server.messages = withIds('b')
    const second = await run(server, folder, new Steps())
    expect(second.accounts[0]?.faults).toEqual([])
    expect(second.counts).toMatchObject({ listed: 50, present: 50, copied: 0, reidentified: 50 })
    await requireStored(folder, fiftyBodies)
    const asked = server.sessions.length
    const third = await run(server, folder, new Steps())
    expect(third.counts).toMatchObject({ present: 50, reidentified: 0 })
    expect(server.sessions[asked]?.retrieved).toEqual([])
  })
})

/** Runs the first time, resets the ids in between, and stops the second run at one step after the other. */
async function stopEverywhere(
  name: string,
  prepare: (server: FakePop3Server, folder: TempFolder) => Promise<void>,
  expected: readonly string[],
): Promise<void> {
  let last = Infinity
  for (let stopAt = 1; stopAt <= last; stopAt += thorough ? 1 : 19) {
    await using server = await FakePop3Server.start({ messages: withIds('a', eightBodies) })
    await using folder = await tempFolder()
    await prepare(server, folder)
    const steps = new Steps(stopAt)
    await run(server, folder, steps, { batches: stopAt % 2 === 0 ? 'small' : 'large' }).catch(() => undefined)
    if (steps.count < stopAt) last = stopAt
    const again = await run(server, folder, new Steps())
    expect(again.accounts[0]?.faults, `${name}, stopped at step ${stopAt}`).toEqual([])
    await requireStored(folder, expected)
    const asked = server.sessions.length
    await run(server, folder, new Steps())
    expect(server.sessions[asked]?.retrieved).toEqual([])
  }
}

describe('stopped at every step of a reset', () => {
  it('stores nothing twice and nothing too little, new mail included', async () => {
    const fresh = 'Subject: fresh\r\n\r\nfresh\r\n'
    await stopEverywhere(
      'reset',
      async (server, folder) => {
        await run(server, folder, new Steps())
        server.messages = withIds('b', [...eightBodies, fresh, eightBodies[7] ?? ''])
      },
      [...eightBodies, fresh, eightBodies[7] ?? ''],
    )
  }, 3_600_000)

  it('also where one of two targets lags behind', async () => {
    await stopEverywhere(
      'lagging',
      async (server, folder) => {
        await run(server, folder, new Steps(), { limit: 3 })
        await run(server, folder, new Steps(), { targets: ['maildir'], limit: 3 })
        server.messages = withIds('b', eightBodies)
      },
      eightBodies,
    )
  }, 3_600_000)

  it('also where the run before was stopped as well, and left announced what is listed under new ids now', async () => {
    await stopEverywhere(
      'announced',
      async (server, folder) => {
        await run(server, folder, new Steps(), { limit: 3 })
        await run(server, folder, new Steps(40), { batches: 'small' }).catch(() => undefined)
        server.messages = withIds('b', eightBodies)
      },
      eightBodies,
    )
  }, 3_600_000)
})
