import { expect, it } from 'vitest'
import { inOrder } from '../../src/files/in-order.js'
import { collect } from '../support/collect.js'

async function* numbers(count: number): AsyncIterable<number> {
  for (let number = 0; number < count; number++) yield number
}

it('yields in order what is done out of order, so many at once', async () => {
  let working = 0
  let most = 0
  const waiting: (() => void)[] = []
  const results = inOrder(numbers(20), 4, async (number) => {
    most = Math.max(most, ++working)
    // Of each four the first ones are done last.
    if (number % 4 < 3) await new Promise<void>((resolve) => waiting.unshift(resolve))
    else for (const resolve of waiting.splice(0)) resolve()
    working--
    return number
  })
  expect(await collect(results)).toEqual(Array.from({ length: 20 }, (_, index) => index))
  expect(most).toBe(4)
})

it('fails where the item failed, after those before it, and when nothing is at work any more', async () => {
  let working = 0
  const seen: number[] = []
  const results = inOrder(numbers(9), 3, async (number) => {
    working++
    await Promise.resolve()
    working--
    if (number === 4) throw new Error('four')
    return number
  })
  await expect(
    (async () => {
      for await (const number of results) seen.push(number)
    })(),
  ).rejects.toThrow('four')
  expect([seen, working]).toEqual([[0, 1, 2, 3], 0])
})
