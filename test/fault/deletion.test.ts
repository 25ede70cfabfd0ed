import { describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { Steps } from '../support/steps.js'
import { run } from './run.js'
import { fresh, messages, requireExact, thorough } from './scene.js'
import { count } from './tally.js'

describe('stopped at every step of a run that deletes at the source', () => {
  it('ends with each message exactly once at each target, and then gone from the source', async (context) => {
    let last = Infinity
    for (let stopAt = 1; stopAt <= last; stopAt += thorough ? 1 : 13) {
      await using server = await FakePop3Server.start({ messages })
      await using folder = await fresh()
      const steps = new Steps(stopAt)
      await run(server, folder, steps, { deleteAfter: 0 }).catch(() => undefined)
      if (steps.count < stopAt) last = stopAt
      const again = await run(server, folder, new Steps(), { deleteAfter: 0 })
      expect(again.accounts[0]?.faults, `stopped at step ${stopAt}`).toEqual([])
      count(context, { stops: 1, ...(await requireExact(folder)) })
      expect(server.messages, `stopped at step ${stopAt}`).toEqual([])
    }
    expect(last).toBeGreaterThan(60)
  }, 3_600_000)
})
