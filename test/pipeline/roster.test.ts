import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { Marks, Roster } from '../../src/pipeline/roster.js'
import { Fault } from '../../src/ports/fault.js'
import type { Entry, MessageKey } from '../../src/ports/message.js'

const entry = (key: string, size = 10): Entry => ({ key: key as MessageKey, size })
const refused = new Fault('retr-refused', 'no')

describe('Roster', () => {
  it('settles every message in exactly one state', () => {
    const roster = new Roster()
    roster.merge(['a', 'b', 'c', 'd', 'e'].map((key) => entry(key)))
    roster.merge(['a', 'b', 'c', 'd'].map((key) => entry(key)))
    roster.setCopied(0, 7)
    roster.setPresent(1)
    roster.setFailed(2, refused)
    expect([0, 1, 2, 3, 4].map((number) => roster.state(number))).toEqual([
      'copied',
      'present',
      'failed',
      'pending',
      'vanished',
    ])
    expect(roster.counts()).toMatchObject({
      listed: 5,
      copied: 1,
      present: 1,
      failed: 1,
      pending: 1,
      vanished: 1,
      bytes: 7,
    })
  })

  it('keeps a copied message copied when a later session finds it present or the server forgets it', () => {
    const roster = new Roster()
    roster.merge([entry('a')])
    roster.setCopied(0, 1)
    roster.setPresent(0)
    roster.merge([])
    expect(roster.state(0)).toBe('copied')
  })

  it('forgets a failure that a later session made good', () => {
    const roster = new Roster()
    roster.merge([entry('a')])
    roster.setFailed(0, refused)
    roster.setCopied(0, 1)
    expect(roster.failures()).toEqual([])
  })

  it('names the source and each target that failed a message', () => {
    const roster = new Roster()
    roster.merge([entry('a')])
    roster.setFailed(0, refused, 'mbox')
    roster.setFailed(0, refused)
    expect(roster.failures()).toEqual([
      { key: 'a', own: 'a', size: 10, target: 'mbox', fault: refused },
      { key: 'a', own: 'a', size: 10, fault: refused },
    ])
  })

  it('takes ids like __proto__ for what they are (QUIRKS LST-16)', () => {
    const roster = new Roster()
    expect(roster.merge([entry('__proto__'), entry('constructor')]).numbers).toEqual([0, 1])
    expect(roster.numberOf('toString' as MessageKey)).toBeUndefined()
  })
})

it('Marks are a set of numbers', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100_000)), (numbers) => {
      const marks = new Marks()
      for (const number of numbers) marks.set(number)
      const set = new Set(numbers)
      return [...numbers, ...numbers.map((number) => number + 1)].every(
        (number) => marks.has(number) === set.has(number),
      )
    }),
  )
})
