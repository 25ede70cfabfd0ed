import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RollCall } from '../../src/pipeline/roll-call.js'
import type { MessageKey } from '../../src/ports/message.js'

const keys = (texts: readonly string[]): readonly MessageKey[] => texts as readonly MessageKey[]

it('knows the ids it was made from, and no others, also after it was packed', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.uniqueArray(fc.string()), (inside, others) => {
      const packed = RollCall.of(keys(inside)).pack()
      // A database may hand the bytes out at any address.
      const shifted = new Uint8Array(packed.length + 1)
      shifted.set(packed, 1)
      const call = RollCall.unpack(shifted.subarray(1))
      const set = new Set(inside)
      return (
        call.size === inside.length &&
        [...inside, ...others].every((key) => call.has(key as MessageKey) === set.has(key))
      )
    }),
  )
})

it('is the same in any order', () => {
  const one = RollCall.of(keys(['a', 'b', 'c']))
  expect(one.equals(RollCall.of(keys(['c', 'a', 'b'])))).toBe(true)
  expect(one.equals(RollCall.of(keys(['a', 'b', 'd'])))).toBe(false)
  expect(one.equals(RollCall.of(keys(['a', 'b'])))).toBe(false)
})

it('takes 8 octets for an id, also for half a million ids', () => {
  const many = keys(Array.from({ length: 500_000 }, (_, index) => `0000${index.toString(16)}.4f3e2d1c`))
  const call = RollCall.of(many)
  expect(call.pack()).toHaveLength(4_000_000)
  expect(new Set(many.filter((key) => !call.has(key)))).toEqual(new Set())
})
