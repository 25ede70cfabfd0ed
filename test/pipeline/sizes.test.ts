import { expect, it } from 'vitest'
import { Sizes } from '../../src/pipeline/sizes.js'

it('tells whether a size is in a range', () => {
  const sizes = new Sizes()
  for (const size of [70, 5, 1_000_000, 70]) sizes.add(size)
  const has = sizes.freeze()
  const ranges = [
    [5, 5],
    [0, 4],
    [6, 69],
    [6, 70],
    [71, 999_999],
    [71, 2_000_000],
    [1_000_001, Infinity],
  ] as const
  expect(ranges.map(([from, to]) => has(from, to))).toEqual([true, false, false, true, false, true, false])
  expect(new Sizes().freeze()(0, Infinity)).toBe(false)
})
