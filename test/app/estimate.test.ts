import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimate, estimateAll } from '../../src/app/estimate.js'
import { roughText } from '../../src/ports/figures.js'

const kilobyte = 1024
const megabyte = 1024 * kilobyte
const near = { latencyMs: 1, pipelined: true }

describe('the time that a run takes', () => {
  it('is a range, and grows with what waits and with the latency', () => {
    const amount = fc.record({ messages: fc.nat(500_000), bytes: fc.nat(2 ** 40) })
    const means = fc.record({
      latencyMs: fc.nat(3000),
      pipelined: fc.boolean(),
      bandwidth: fc.option(fc.integer({ min: 1000 }), { nil: undefined }),
      speed: fc.option(fc.record({ messages: fc.integer({ min: 100 }), bytes: fc.nat(), ms: fc.integer({ min: 1 }) }), {
        nil: undefined,
      }),
    })
    fc.assert(
      fc.property(amount, means, (waits, by) => {
        const one = estimate(waits, by)
        expect(one.from).toBeLessThanOrEqual(one.to)
        const more = estimate({ messages: waits.messages * 2, bytes: waits.bytes * 2 }, by)
        expect(more.to).toBeGreaterThanOrEqual(one.to)
        if (by.bandwidth !== undefined) expect(one.from).toBeGreaterThanOrEqual(waits.bytes / by.bandwidth)
        const slower = estimate(waits, { ...by, latencyMs: by.latencyMs + 100 })
        expect(slower.from).toBeGreaterThanOrEqual(one.from)
      }),
    )
  })

  it('of a server that takes 80 ms for each answer: a round trip for each message, unless it pipelines', () => {
    const waits = { messages: 10_000, bytes: 10_000 }
    const { from, to } = estimate(waits, { latencyMs: 80, pipelined: false })
    expect(from).toBeGreaterThan(800)
    expect(to).toBeLessThan(1800)
    expect(estimate(waits, { latencyMs: 80, pipelined: true }).to).toBeLessThan(from)
  })

  it('is what an earlier run took, rather than what servers are like', () => {
    const speed = { messages: 1000, bytes: 100 * megabyte, ms: 500_000 }
    const { from, to } = estimate({ messages: 2000, bytes: 200 * megabyte }, { ...near, speed })
    expect([from, to]).toEqual([800, 1250])
    // Twice as large as then, or as many: nobody knows which of it counts.
    const larger = estimate({ messages: 1000, bytes: 200 * megabyte }, { ...near, speed })
    expect([larger.from, larger.to]).toEqual([400, 1250])
  })

  it('goes by the messages alone where an earlier run saw no octets, and by the octets where it saw no messages', () => {
    const waits = { messages: 2000, bytes: 200 * megabyte }
    const many = { messages: 1000, bytes: 0, ms: 500_000 }
    expect(estimate(waits, { ...near, speed: many })).toEqual({ from: 800, to: 1250 })
    expect(estimate({ messages: 2000, bytes: 0 }, { ...near, speed: many })).toEqual({ from: 800, to: 1250 })
    const large = { messages: 0, bytes: 100 * megabyte, ms: 500_000 }
    expect(estimate({ messages: 0, bytes: 200 * megabyte }, { ...near, speed: large })).toEqual({ from: 800, to: 1250 })
  })

  it('is never less than `limits.bandwidth` allows', () => {
    const { from, to } = estimate({ messages: 10, bytes: 120 * kilobyte }, { ...near, bandwidth: kilobyte })
    expect([from, to]).toEqual([120, 150])
  })

  it('of many accounts: side by side, but no more of one host than the plan allows, and one bandwidth for all', () => {
    const account = { from: 60, to: 120, messages: 1, bytes: 60 * kilobyte, host: 'a' }
    const others = [1, 2, 3].map((host) => ({ ...account, host: String(host) }))
    const atOnce = { accounts: 4, perHost: 2 }
    expect(estimateAll([account, ...others], atOnce)).toEqual({ from: 60, to: 120 })
    expect(estimateAll([account, account, account, account], atOnce)).toEqual({ from: 120, to: 240 })
    expect(estimateAll([account, ...others], { accounts: 1, perHost: 2 })).toEqual({ from: 240, to: 480 })
    expect(estimateAll([account, ...others], atOnce, kilobyte)).toEqual({ from: 240, to: 300 })
  })
})

it.each([
  [0, 0.1, 'less than a minute'],
  [10, 54, 'less than a minute'],
  [10, 56, 'up to 1 min'],
  [10, 110, 'up to 2 min'],
  [125, 200, 'about 2 to 4 min'],
  [1260, 2400, 'about 20 to 40 min'],
  [3700, 3590 * 3, 'about 1 to 3 h'],
  [10_900, 10_700, 'about 3 h'],
  [100_000, 400_000, 'about 1 to 5 days'],
] as const)('%d to %d s is told as %s', (from, to, text) => {
  expect(roughText({ from, to })).toBe(text)
})
