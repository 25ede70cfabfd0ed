import { expect, it } from 'vitest'
import { Backoff } from '../../src/pipeline/backoff.js'
import { Fault } from '../../src/ports/fault.js'
import { InstantClock } from '../support/clock.js'

const policy = { attempts: 5, minDelay: 1000, maxDelay: 4000, maxWait: 60_000 }
const lost = new Fault('connection-lost', 'gone')

it('doubles the pauses up to the longest and gives up after the last attempt (QUIRKS CON-09)', () => {
  const backoff = new Backoff(policy, new InstantClock())
  const delays = Array.from({ length: 5 }, () => backoff.delayAfter(lost))
  expect(delays).toEqual([1000, 2000, 4000, 4000, undefined])
})

it('starts over after progress', () => {
  const backoff = new Backoff(policy, new InstantClock())
  backoff.delayAfter(lost)
  backoff.delayAfter(lost)
  expect(backoff.attempt).toBe(3)
  backoff.progress()
  expect(backoff.delayAfter(lost)).toBe(1000)
})

it('honours a pause that the server demands, and gives up on one that is too long', () => {
  const backoff = new Backoff(policy, new InstantClock())
  expect(backoff.delayAfter(new Fault('throttled', 'wait', { retryAfterMs: 30_000 }))).toBe(30_000)
  expect(backoff.delayAfter(new Fault('throttled', 'wait', { retryAfterMs: 60_001 }))).toBeUndefined()
})
