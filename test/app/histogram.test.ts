import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from '../../src/app/histogram.js'

const start = Date.UTC(2026, 0, 1, 4)

function histogram(times: readonly number[], bytes = 10): NonNullable<Histogram['result']> {
  const all = new Histogram()
  for (const at of times) all.add(at, { messages: 1, bytes })
  if (!all.result) throw new Error('nothing was added')
  return all.result
}

describe('a histogram of what was copied when', () => {
  it('is nothing without anything', () => {
    expect(new Histogram().result).toBeUndefined()
  })

  it('has seconds where a run took seconds, gaps included', () => {
    expect(histogram([start, start + 2500, start + 999])).toEqual({
      from: start,
      widthMs: 1000,
      bins: [
        { messages: 2, bytes: 20 },
        { messages: 0, bytes: 0 },
        { messages: 1, bytes: 10 },
      ],
    })
  })

  it.each([
    ['an hour', 3600, 300],
    ['a day', 86_400, 3600],
    ['a month', 30 * 86_400, 86_400],
    ['ten years', 3652 * 86_400, 364 * 86_400],
  ])('has wider bins where it took %s', (_, seconds, width) => {
    const { widthMs } = histogram([start, start + seconds * 1000])
    expect(widthMs / 1000).toBe(width)
  })

  it('keeps every message and octet, in at most sixty bins, in whatever order they come', () => {
    const time = fc.integer({ min: 0, max: 40 * 365 * 86_400_000 })
    fc.assert(
      fc.property(fc.array(fc.oneof(time, fc.integer({ min: 0, max: 5000 })), { minLength: 1 }), (times) => {
        const { from, widthMs, bins } = histogram(times, 3)
        expect(bins.length).toBeLessThanOrEqual(60)
        expect(bins.reduce((sum, { messages }) => sum + messages, 0)).toBe(times.length)
        expect(bins.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(3 * times.length)
        for (const [index, { messages }] of bins.entries()) {
          const inside = (at: number): boolean => Math.floor((at - from) / widthMs) === index
          expect(times.filter(inside)).toHaveLength(messages)
        }
        // The narrowest that will do.
        if (widthMs > 1000) expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(widthMs)
      }),
    )
  })
})
