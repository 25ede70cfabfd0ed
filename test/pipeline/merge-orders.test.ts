import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeOrders } from '../../src/pipeline/merge-orders.js'

describe('mergeOrders', () => {
  it.each<[string, number[][], number[]]>([
    ['nothing', [[], []], []],
    ['one order', [[3, 1, 2]], [3, 1, 2]],
    [
      'the same twice',
      [
        [3, 1],
        [3, 1],
      ],
      [3, 1],
    ],
    [
      'a lane that is ahead, and one that is behind',
      [
        [5, 6, 7],
        [3, 4, 5],
      ],
      [3, 4, 5, 6, 7],
    ],
    [
      'orders that meet in the middle',
      [
        [1, 2, 5],
        [2, 3, 5, 6],
      ],
      [1, 2, 3, 5, 6],
    ],
    [
      'a contradiction',
      [
        [1, 2],
        [2, 1],
      ],
      [1, 2],
    ],
  ])('%s', (_, orders, merged) => {
    expect(mergeOrders(orders)).toEqual(merged)
  })

  it('keeps every order that comes from one common order', () => {
    const common = fc.uniqueArray(fc.nat(50), { minLength: 1 })
    const property = fc.property(
      common.chain((all) => fc.tuple(fc.subarray(all), fc.subarray(all), fc.subarray(all))),
      (parts) => {
        const merged = mergeOrders(parts)
        expect(new Set(merged)).toEqual(new Set(parts.flat()))
        for (const part of parts) expect(merged.filter((item) => part.includes(item))).toEqual(part)
      },
    )
    fc.assert(property)
  })
})
