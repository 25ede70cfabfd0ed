import { describe, expect, it } from 'vitest'
import { Budget } from '../../src/pipeline/budget.js'
import { Delivery } from '../../src/pipeline/delivery.js'
import { FetchedMessage } from '../../src/pipeline/intake.js'
import { LaneRun } from '../../src/pipeline/lane.js'
import { Stillness } from '../../src/pipeline/stillness.js'
import { Fault } from '../../src/ports/fault.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { Position } from '../../src/ports/target.js'
import { InstantClock } from '../support/clock.js'
import { memoryFacts, MemoryLedger, MemoryTarget } from '../support/memory-ports.js'

const lane = { account: 'alice', target: 'maildir' }

class Bench {
  readonly ledger = new MemoryLedger()
  readonly target = new MemoryTarget()
  readonly budget = new Budget(1_000_000)
  readonly clock = new InstantClock()
  readonly told: string[] = []
  /** Nothing can be kept. */
  full = false
  #count = 0

  async open(batch: { readonly messages?: number; readonly ageMs?: number } = {}): Promise<LaneRun> {
    const { messages = 3, ageMs = 1000 } = batch
    const most = { messages, bytes: 10_000 }
    return LaneRun.open(lane, this.target, {
      ledger: this.ledger,
      clock: this.clock,
      batch: { due: { ...most, first: messages, ageMs }, most },
      signal: new AbortController().signal,
      stillness: new Stillness(this.clock),
      observer: {
        delivered: ({ message }) => this.told.push(`delivered ${message.key}`),
        keep: async ({ message: { key, sha256, size } }, { code, message }) =>
          this.full ? undefined : { key, sha256, size, flags: [], code, error: message },
        refused: ({ message }, { code }, kept) =>
          this.told.push(`refused ${message.key} ${code}${kept ? ', kept' : ''}`),
        checkpoint: (messages) => this.told.push(`checkpoint ${messages}`),
        stopped: ({ code }) => this.told.push(`stopped ${code}`),
      },
    })
  }

  /** Offers a message of 100 octets as the session does. */
  async offer(run: LaneRun, key: string): Promise<boolean> {
    this.budget.tryReserve(100)
    const message = new FetchedMessage(memoryFacts(key), undefined)
    const delivery = new Delivery(this.#count++, message, [], { budget: this.budget, charged: 100 })
    delivery.hold()
    const accepted = run.offer(delivery)
    await delivery.release()
    return accepted
  }
}

const announced = (...keys: string[]): { key: MessageKey; sha256: string; size: number }[] =>
  keys.map((key) => ({ key: key as MessageKey, sha256: '', size: 0 }))

describe('LaneRun', () => {
  it('begins, appends and commits batch after batch, and returns the memory', async () => {
    const bench = new Bench()
    const run = await bench.open()
    for (const key of 'abcdefg') await bench.offer(run, key)
    await run.flush()
    await run.close()
    expect(bench.target.stored).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    expect(bench.ledger.log[0]).toMatch(/^begin a/)
    expect(bench.ledger.log.at(-1)).toMatch(/^commit .*g$/)
    expect(bench.budget.fits(1_000_000)).toBe(true)
  })

  it('never has more than one batch begun and not committed', async () => {
    const bench = new Bench()
    const run = await bench.open({ messages: 2 })
    for (const key of 'abcdefghij') await bench.offer(run, key)
    await run.flush()
    await run.close()
    const kinds = bench.ledger.log.map((line) => line.split(' ')[0])
    expect(kinds.filter((_, index) => index % 2 === 0).every((kind) => kind === 'begin')).toBe(true)
    expect(kinds.filter((_, index) => index % 2 === 1).every((kind) => kind === 'commit')).toBe(true)
  })

  it('closes a batch by age, so that a slow line checkpoints as well', async () => {
    const bench = new Bench()
    const run = await bench.open({ messages: 100 })
    await bench.offer(run, 'a')
    await new Promise<void>((resolve) => {
      bench.target.beforeCommit = async () => {
        resolve()
      }
    })
    expect(bench.clock.slept).toContain(1000)
    await run.close()
    expect(bench.told).toContain('delivered a')
  })

  it('goes on after a message that the target refuses, with no receipt for it', async () => {
    const bench = new Bench()
    bench.target.refuse = (key) => (key === 'b' ? new Fault('too-big', 'no') : undefined)
    const run = await bench.open()
    for (const key of 'abc') await bench.offer(run, key)
    await run.flush()
    expect(bench.told).toEqual(['delivered a', 'refused b too-big, kept', 'delivered c', 'checkpoint 3'])
    expect(bench.ledger.log.at(-1)).toBe('commit a c')
    await run.close()
  })

  it('stops at a target fault, commits nothing of that batch and lets everything go', async () => {
    const bench = new Bench()
    bench.target.refuse = (key) => (key === 'b' ? new Fault('disk-full', 'full') : undefined)
    const run = await bench.open()
    for (const key of 'abcd') await bench.offer(run, key)
    await run.flush()
    expect(bench.told).toEqual(['stopped disk-full'])
    expect(bench.ledger.log.filter((line) => line.startsWith('commit'))).toEqual([])
    expect(await bench.offer(run, 'e')).toBe(false)
    expect(bench.budget.fits(1_000_000)).toBe(true)
    await run.close()
    expect(bench.target.log).toEqual(['open fresh', 'close'])
  })

  it('stops when the ledger fails, and tells of no delivery', async () => {
    const bench = new Bench()
    const run = await bench.open()
    bench.ledger.fail = new Fault('state-failed', 'disk full')
    await bench.offer(run, 'a')
    await run.flush()
    expect(bench.told).toEqual(['stopped state-failed'])
    await run.close()
  })

  it('takes what a dead run announced first, and in that order', async () => {
    const bench = new Bench()
    await bench.ledger.advance(lane, { begun: { announced: announced('x', 'y'), position: '7' as Position, at: 0 } })
    const run = await bench.open()
    expect(run.owed).toEqual(['x', 'y'])
    expect([await bench.offer(run, 'a'), await bench.offer(run, 'y')]).toEqual([false, false])
    expect([await bench.offer(run, 'x'), await bench.offer(run, 'y')]).toEqual([true, true])
    expect(await bench.offer(run, 'a')).toBe(true)
    await run.flush()
    await run.close()
    expect(bench.target.stored).toEqual(['x', 'y', 'a'])
  })

  it('does not wait for announced messages that the source does not list', async () => {
    const bench = new Bench()
    await bench.ledger.advance(lane, { begun: { announced: announced('x', 'y'), position: '7' as Position, at: 0 } })
    const run = await bench.open()
    run.postpone((key) => key === 'x')
    expect(await bench.offer(run, 'y')).toBe(true)
    await run.flush()
    await run.close()
    expect(bench.target.stored).toEqual(['y'])
  })

  it('keeps announced what the server has and does not hand out', async () => {
    const bench = new Bench()
    await bench.ledger.advance(lane, { begun: { announced: announced('x', 'y'), position: '7' as Position, at: 0 } })
    const run = await bench.open()
    run.postpone((key) => key === 'x')
    for (const key of 'yab') expect(await bench.offer(run, key)).toBe(true)
    await run.flush()
    await run.close()
    expect(bench.target.stored).toEqual(['y', 'a', 'b'])
    expect((await bench.ledger.load(lane)).announced).toEqual(announced('x'))
  })

  it('finishes the batch in hand when closed, and drops what is only queued', async () => {
    const bench = new Bench()
    const run = await bench.open({ messages: 2 })
    const committing = new Promise<void>((resolve) => {
      bench.target.beforeCommit = async () => {
        resolve()
        await new Promise(setImmediate)
      }
    })
    await bench.offer(run, 'a')
    await bench.offer(run, 'b')
    await bench.offer(run, 'c')
    await committing
    await run.close()
    expect(bench.ledger.log).toEqual(['begin a b', 'commit a b'])
    expect(bench.budget.fits(1_000_000)).toBe(true)
  })
})
