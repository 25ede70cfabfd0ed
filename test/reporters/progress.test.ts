import fc from 'fast-check'
import { noCounts } from '../../src/ports/event.js'
import { describe, expect, it } from 'vitest'
import { Progress } from '../../src/reporters/progress.js'
import { anyEvent, countsOf, everyEvent, fault } from './events.js'

const sums = ['listed', 'wanted', 'wantedBytes', 'fetchedBytes', 'copied', 'bytes'] as const

const timed = fc.array(fc.record({ event: anyEvent, waitMs: fc.nat(30_000) }), { maxLength: 60 })

describe('progress', () => {
  it('the total is the sum of the accounts, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(timed, (log) => {
        const progress = new Progress()
        let atMs = 5_000_000
        for (const { event, waitMs } of log) {
          progress.on(event, (atMs += waitMs))
          for (const field of sums) {
            const accounts = [...progress.accounts.values()].map((account) => account[field])
            expect(progress.total[field]).toBe(accounts.reduce((sum, value) => sum + value, 0))
          }
          expect(progress.rate(atMs)).toBeGreaterThanOrEqual(0)
          expect(progress.secondsLeft(atMs) ?? 0).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  it('the total rate is that of the accounts together', () => {
    const progress = new Progress()
    for (const account of ['a', 'b']) progress.on({ type: 'account.started', account, server: 's' }, 1000)
    for (let second = 1; second <= 20; second++) {
      progress.on({ type: 'message.fetched', account: 'a', size: 300 }, second * 1000)
      progress.on({ type: 'message.fetched', account: 'b', size: 100 }, second * 1000)
    }
    expect(progress.rate(20_000, 'a')).toBe(300)
    expect(progress.rate(20_000, 'b')).toBe(100)
    expect(progress.rate(20_000)).toBe(400)
    expect(progress.rate(25_000)).toBe(200)
    expect(progress.rate(60_000)).toBe(0)
  })

  it('goes through an account: connecting, copying, waiting, copying again, done', () => {
    const progress = new Progress()
    const account = 'alice'
    const look = () => ({ ...progress.accounts.get(account), left: progress.secondsLeft(2000) })
    progress.on({ type: 'run.started', run: 'r', plan: 'p', accounts: 3 }, 0)
    expect(progress.expected).toBe(3)
    progress.on({ type: 'account.started', account, server: 's' }, 0)
    expect(look()).toMatchObject({ state: 'connecting', wanted: 0, left: undefined })
    const listed = { type: 'account.listed', account, messages: 9, bytes: 900 } as const
    progress.on({ ...listed, missing: 4, missingBytes: 400 }, 0)
    expect(look()).toMatchObject({ state: 'copying', listed: 9, wanted: 4, wantedBytes: 400 })
    progress.on({ type: 'message.fetched', account, size: 100 }, 1000)
    progress.on({ type: 'message.fetched', account, size: 100 }, 2000)
    expect(look()).toMatchObject({ copied: 0, fetchedBytes: 200, left: 1 })
    progress.on({ ...everyEvent.checkpoint, copied: 1, bytes: 100 }, 2000)
    progress.on({ ...everyEvent.retry, fault: fault('connection-lost') }, 2000)
    expect(look()).toMatchObject({ state: 'waiting', copied: 1 })
    // What had arrived but was not safe has to come once more.
    progress.on({ ...listed, missing: 3, missingBytes: 300 }, 2000)
    expect(look()).toMatchObject({ state: 'copying', wanted: 4, wantedBytes: 400, fetchedBytes: 100 })
    const counts = countsOf({ copied: 4, present: 5, bytes: 400 })
    progress.on({ type: 'account.finished', account, status: 'ok', counts, seconds: 2 }, 2000)
    expect(look()).toMatchObject({ state: 'ok', copied: 4, bytes: 400 })
    expect(progress.finished).toBe(1)
  })

  it('takes no notice of an account that did not start', () => {
    const progress = new Progress()
    progress.on({ ...everyEvent['account.finished'], counts: noCounts }, 0)
    expect(progress.accounts.size).toBe(0)
    expect(progress.finished).toBe(0)
  })
})
