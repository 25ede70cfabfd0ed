import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import type { Target } from '../../src/ports/target.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import type { TempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { run } from './run.js'
import { fresh, messages, requireExact, thorough } from './scene.js'

/** Refuses a small message and the large one for good; only a Maildir may: an mbox takes a batch from its start or not at all. */
function refusing(target: Target): Target {
  return {
    place: target.place,
    shareable: target.shareable,
    open: async (...args) => {
      const writer = await target.open(...args)
      return {
        get position() {
          return writer.position
        },
        admit: async (batch) => {
          await writer.admit(batch)
        },
        append: async (message) => {
          if (message.key === 'u2' || message.key === 'u4') throw new Fault('too-big', 'not here')
          return writer.append(message)
        },
        commit: async () => writer.commit(),
        [Symbol.asyncDispose]: async () => writer[Symbol.asyncDispose](),
      }
    },
    read: (...args) => target.read(...args),
    others: (...args) => target.others(...args),
  }
}

const refuse = { wrap: refusing }

/** A server that removes what was fetched, as soon as there is a QUIT: whatever is not safe by then is lost. */
const greedy = async (): Promise<FakePop3Server> => FakePop3Server.start({ messages, expire: true })

const quarantined = async (folder: TempFolder): Promise<readonly string[]> =>
  readdir(folder.at('state', 'quarantine')).catch(() => [])

async function requireWhole(server: FakePop3Server, folder: TempFolder, where: string): Promise<void> {
  const last = await run(server, folder, new Steps())
  expect(last.accounts[0]?.faults, where).toEqual([])
  await requireExact(folder)
  expect(await quarantined(folder)).toEqual([])
  const { counts } = await run(server, folder, new Steps())
  expect(counts).toMatchObject({ copied: 0, failed: 0 })
  await requireExact(folder)
}

describe('stopped at every step', () => {
  it('while targets refuse messages: each is in quarantine, or still at the server', async () => {
    await using folder = await fresh()
    await using server = await greedy()
    const all = new Steps()
    const { counts } = await run(server, folder, all, refuse)
    expect(counts).toMatchObject({ listed: 6, copied: 4, failed: 2 })
    expect(await quarantined(folder)).toHaveLength(2)
    expect(server.messages).toHaveLength(0)
    await requireWhole(server, folder, 'never stopped')

    for (let stopAt = 1; stopAt <= all.count; stopAt += thorough ? 1 : 9) {
      await using again = await fresh()
      await using other = await greedy()
      await run(other, again, new Steps(stopAt), refuse).catch(() => undefined)
      if (stopAt % 2 === 0) {
        await run(other, again, new Steps(), refuse)
        expect(await quarantined(again), `stopped at step ${stopAt}`).toHaveLength(2)
      }
      await requireWhole(other, again, `stopped at step ${stopAt}`)
    }
  }, 3_600_000)

  it('while what was refused is delivered from quarantine', async () => {
    for (let stopAt = 1, dead = true; dead; stopAt += thorough ? 1 : 9) {
      await using folder = await fresh()
      await using server = await greedy()
      await run(server, folder, new Steps(), refuse)
      const steps = new Steps(stopAt)
      await run(server, folder, steps).catch(() => undefined)
      dead = steps.count === stopAt
      await requireWhole(server, folder, `stopped at step ${stopAt} of the retry`)
      expect([server.retrs('u2'), server.retrs('u4')]).toEqual([1, 1])
    }
  }, 3_600_000)
})
