import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
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

describe.each([
  ['small', thorough ? 1 : 3],
  ['large', thorough ? 1 : 2],
] as const)('stopped at every step, %s batches', (batches, stride) => {
  it('ends with each message exactly once', async (context) => {
    await using whole = await fresh()
    const all = new Steps()
    const outcome = await run(server, whole, all, { batches })
    expect(outcome.counts).toMatchObject({ listed: 6, copied: 6 })
    await requireExact(whole)
    expect(all.count).toBeGreaterThan(40)

    for (let stopAt = 1; stopAt <= all.count; stopAt += stride) {
      await using folder = await fresh()
      const steps = new Steps(stopAt)
      await run(server, folder, steps, { batches }).catch(() => undefined)
      // A run may make fewer steps than the first one did; then it was whole.
      const again = await run(server, folder, new Steps(), { batches })
      expect(again.accounts[0]?.faults, `stopped at step ${stopAt}`).toEqual([])
      count(context, { stops: 1, ...(await requireExact(folder)) })
      const asked = server.lines.filter((line) => line.startsWith('RETR')).length
      const third = await run(server, folder, new Steps(), { batches })
      expect(third.counts).toMatchObject({ copied: 0, present: 6 })
      expect(server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(asked)
    }
  }, 3_600_000)
})

describe('stopped twice', () => {
  it('ends with each message exactly once, wherever the recovery was stopped', async (context) => {
    await using whole = await fresh()
    const all = new Steps()
    await run(server, whole, all)
    for (let first = 8; first < all.count; first += thorough ? 3 : 9) {
      // Every step of the recovery is stopped at some time.
      for (let second = 5 + (first % 13); second < all.count; second += thorough ? 5 : 19) {
        await using folder = await fresh()
        await run(server, folder, new Steps(first)).catch(() => undefined)
        await run(server, folder, new Steps(second)).catch(() => undefined)
        const last = await run(server, folder, new Steps())
        expect(last.accounts[0]?.faults, `stopped at ${first}, then at ${second}`).toEqual([])
        count(context, { stops: 2, ...(await requireExact(folder)) })
      }
    }
  }, 3_600_000)
})
