import { expect, it } from 'vitest'
import { Budget, inMemoryLimit } from '../../src/pipeline/budget.js'

it('lends no more than it has', () => {
  const budget = new Budget(100)
  expect(budget.tryReserve(60)).toBe(true)
  expect(budget.tryReserve(60)).toBe(false)
  budget.release(60)
  expect(budget.tryReserve(60)).toBe(true)
})

it('lets a message larger than everything go alone', () => {
  const budget = new Budget(100)
  expect(budget.tryReserve(1000)).toBe(true)
  expect(budget.tryReserve(1)).toBe(false)
})

it('wakes everybody who waits at the next release', async () => {
  const budget = new Budget(100)
  budget.tryReserve(100)
  const waiting = [budget.released(), budget.released()]
  budget.release(1)
  await expect(Promise.all(waiting)).resolves.toHaveLength(2)
})

it('charges a message twice over, one of unknown size something, and a huge one a share', () => {
  const budget = new Budget(64 * inMemoryLimit)
  expect(budget.charge(0)).toBe(32 * 1024)
  expect(budget.charge(50_000)).toBe(100_000)
  expect(budget.charge(5 * 1024 ** 3)).toBe(16 * inMemoryLimit)
})
