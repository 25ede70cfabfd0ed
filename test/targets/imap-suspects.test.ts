import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import type { MessageKey } from '../../src/ports/message.js'
import { Suspects } from '../../src/targets/imap-suspects.js'

const keys = ['a', 'b', 'c', 'd'] as readonly string[] as readonly MessageKey[]

/** A connection on which the server hangs up at these messages; the most that were under way at once, and what came through. */
async function session(suspects: Suspects, bad: readonly string[], wanted = keys) {
  suspects.renew()
  let [open, most, dead] = [0, 0, false]
  const sent: string[] = []
  const send = async (key: MessageKey): Promise<string> => {
    most = Math.max(most, ++open)
    sent.push(key)
    await new Promise(setImmediate)
    open--
    dead ||= bad.includes(key)
    if (dead) throw new Fault('connection-lost', 'gone')
    return key
  }
  const outcomes = await Promise.allSettled(wanted.map(async (key) => suspects.send(key, async () => send(key))))
  const stored = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = wanted.filter((_, index) => {
    const one = outcomes[index]
    return one?.status === 'rejected' && (one.reason as Fault).scope === 'message'
  })
  return { most, sent: sent.join(''), stored: stored.join(''), failed: failed.join('') }
}

describe('messages on which a server hangs up (QUIRKS APP-17)', () => {
  it('are found by sending one at a time, and left out; then all go at once again', async () => {
    const suspects = new Suspects()
    expect(await session(suspects, ['b'])).toMatchObject({ most: 4, stored: 'a' })
    expect(await session(suspects, ['b'])).toEqual({ most: 1, sent: 'ab', stored: 'a', failed: '' })
    // What a server has stored is found there and not sent again.
    expect(await session(suspects, ['b'], keys.slice(1))).toEqual({ most: 1, sent: 'b', stored: '', failed: '' })
    expect(await session(suspects, ['b'])).toEqual({ most: 1, sent: 'acd', stored: 'acd', failed: 'b' })
    expect(await session(suspects, ['b'])).toEqual({ most: 3, sent: 'acd', stored: 'acd', failed: 'b' })
  })

  it('may be several', async () => {
    const suspects = new Suspects()
    await session(suspects, ['a', 'c', 'd'])
    const failed: string[] = []
    let left = keys
    for (let again = 0; again < 5; again++) {
      const outcome = await session(suspects, ['a', 'c', 'd'], left)
      left = left.filter((key) => !outcome.stored.includes(key))
      failed.push(outcome.failed)
    }
    expect(failed).toEqual(['', 'a', 'a', 'ac', 'acd'])
  })

  it('are not those of a server that was away once, nor those that it has stored', async () => {
    const suspects = new Suspects()
    await session(suspects, ['a'])
    for (const key of keys) suspects.acquit(key)
    expect(await session(suspects, [])).toMatchObject({ most: 4, stored: 'abcd', failed: '' })
  })

  it('are not those of a server that hangs up after so many, whatever they are', async () => {
    for (const most of [1, 2, 3, 7]) {
      const suspects = new Suspects()
      let left = Array.from({ length: 20 }, (_, index) => `m${index}`) as readonly string[] as readonly MessageKey[]
      for (let again = 0; left.length > 0 && again < 60; again++) {
        suspects.renew()
        let count = 0
        const send = async (): Promise<void> => {
          await Promise.resolve()
          if (++count > most) throw new Fault('connection-lost', 'gone')
        }
        const outcomes = await Promise.allSettled(left.map(async (key) => suspects.send(key, send)))
        const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Fault).code] : []))
        expect(new Set(reasons)).not.toContain('append-refused')
        left = left.filter((_, index) => outcomes[index]?.status === 'rejected')
      }
      expect(left).toEqual([])
    }
  })

  it('are not those on which it falls silent: it may be at work on them', async () => {
    const suspects = new Suspects()
    for (let again = 0; again < 3; again++) {
      suspects.renew()
      const silent = suspects.send('a' as MessageKey, async () => Promise.reject(new Fault('timeout', 'no answer')))
      await expect(silent).rejects.toMatchObject({ code: 'timeout' })
    }
    expect(await session(suspects, [])).toMatchObject({ stored: 'abcd', failed: '' })
  })

  it('are those that it refused before it went, not the next ones', async () => {
    const suspects = new Suspects()
    const refusal = new Fault('append-refused', 'BAD')
    await session(suspects, ['c'], keys.slice(1))
    suspects.renew()
    expect(suspects.refused('b' as MessageKey, refusal)).toBe(refusal)
    const gone = suspects.send('c' as MessageKey, async () => Promise.reject(new Fault('connection-lost', 'gone')))
    await expect(gone).rejects.toMatchObject({ code: 'connection-lost' })
    expect(await session(suspects, [])).toMatchObject({ sent: 'acd', failed: 'b' })
  })

  it('are not those that were refused and committed, nor those behind a refusal of the whole target', async () => {
    const suspects = new Suspects()
    suspects.refused('a' as MessageKey, new Fault('append-refused', 'no'))
    suspects.committed()
    suspects.refused('b' as MessageKey, new Fault('over-quota', 'full'))
    expect(await session(suspects, [])).toMatchObject({ sent: 'abcd', failed: '' })
  })
})
