import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CopyPool } from '../../src/pipeline/copy-pool.js'

const digestOf = (seed: number): string => createHash('sha256').update(String(seed)).digest('hex')

it('gives each copy out once, the oldest first, as a list of lists would', () => {
  const step = fc.record({ last: fc.boolean(), digest: fc.nat(5) })
  const copies = fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }), { maxLength: 120 })
  fc.assert(
    fc.property(copies, fc.array(step, { maxLength: 150 }), (held, steps) => {
      const pool = new CopyPool()
      const free = held.map((digests, index) => ({ where: `copy ${index}`, digests: digests.map(digestOf) }))
      for (const { where, digests } of free) pool.add(where, digests)
      pool.freeze()
      for (const { last, digest } of steps) {
        const fits = (one: (typeof free)[number]): boolean => one.digests.includes(digestOf(digest))
        const expected = last ? free.findLast(fits) : free.find(fits)
        if (expected) free.splice(free.indexOf(expected), 1)
        if (last) pool.dropLast(digestOf(digest))
        else expect(pool.take(digestOf(digest))).toBe(expected?.where)
        expect(pool.left).toBe(free.length)
      }
    }),
  )
})

it('tells digests apart that begin alike', () => {
  const [one, other] = [`${'a'.repeat(13)}${'1'.repeat(51)}`, `${'a'.repeat(13)}${'2'.repeat(51)}`]
  const pool = new CopyPool()
  pool.add('one', [one])
  pool.freeze()
  expect(pool.take(other)).toBeUndefined()
  expect(pool.take(one)).toBe('one')
})

it('is quick where all copies are twins', () => {
  const pool = new CopyPool()
  const count = 50_000
  const [one, other] = [digestOf(1), digestOf(2)]
  for (let index = 0; index < count; index++) pool.add(String(index), [one, other])
  pool.freeze()
  const taken = Array.from({ length: count }, (_, index) => pool.take(index % 2 ? one : other))
  expect(taken.every((where, index) => where === String(index))).toBe(true)
  expect(pool.take(one)).toBeUndefined()
}, 15_000)
