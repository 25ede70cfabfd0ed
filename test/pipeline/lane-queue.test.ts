import { expect, it } from 'vitest'
import { Budget } from '../../src/pipeline/budget.js'
import { Delivery } from '../../src/pipeline/delivery.js'
import { FetchedMessage } from '../../src/pipeline/intake.js'
import { LaneQueue } from '../../src/pipeline/lane-queue.js'
import type { MessageKey } from '../../src/ports/message.js'
import { InstantClock } from '../support/clock.js'

const budget = new Budget(1_000_000)

function delivery(number: number): Delivery {
  const key = `${number}` as MessageKey
  const message = new FetchedMessage(
    { key, size: 10, sha256: '', header: new Uint8Array(), bytes: undefined },
    undefined,
  )
  return new Delivery(number, message, [], { budget, charged: 10 })
}

it('has a first batch sooner than the next ones, as its target has nothing to do until then', () => {
  const due = { messages: 4, first: 2, bytes: 1000, ageMs: 1000 }
  const queue = new LaneQueue({ due, most: { messages: 4, bytes: 1000 } }, new InstantClock())
  const batches: number[] = []
  for (let number = 0; number < 10; number++) {
    queue.add(delivery(number))
    if (queue.ripe) batches.push(queue.take().length)
  }
  expect(batches).toEqual([2, 4, 4])
})
