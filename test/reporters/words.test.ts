import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import { eventText, faultText, flagTexts, happened, messageName, uidlOf } from '../../src/reporters/words.js'
import { everyEvent, fault, faultCodes, hostile, hostileEvent, key, unsafe } from './events.js'
import { noCounts } from '../../src/ports/event.js'

const events = Object.values(everyEvent)
/** What only bars, counters and the summary show. */
const silent = new Set(['run.started', 'message.wanted', 'message.fetched', 'checkpoint', 'run.finished'])

describe('events', () => {
  it.each(events)('$type', (event) => {
    if (silent.has(event.type)) expect(eventText(event)).toBeUndefined()
    else expect(eventText(event)).toContain('alice')
  })

  it.each(events.filter(({ type }) => !silent.has(type)))('CON-06 $type stays one safe line', (event) => {
    expect(eventText(hostileEvent(event))).not.toMatch(unsafe)
  })

  it.each([
    ['account.started', 'alice: connecting to pop.example'],
    ['account.listed', 'alice: 1,200 messages on the server (8.6 MB), 1 to copy (2.0 KB)'],
    ['retry', 'alice: reset (pop.example:995, RETR 7): "-ERR no"; attempt 2 in 2 s'],
    ['warning', 'warning: alice: unencrypted'],
    ['protocol', 'alice < +OK'],
  ] as const)('%s says: %s', (type, expected) => {
    expect(eventText(everyEvent[type])).toBe(expected)
  })

  it('a warning without an account', () => {
    expect(eventText({ type: 'warning', code: 'ping-failed', message: 'look' })).toBe('warning: look')
  })

  it.each([
    [{}, 'nothing to copy'],
    [{ present: 3 }, '3 already there'],
    [{ copied: 1, bytes: 2048 }, '1 message copied (2.0 KB)'],
    [
      { copied: 2000, present: 1, pending: 5, bytes: 9 },
      '2,000 messages copied (9 B), 1 already there, 5 not copied yet',
    ],
  ])('an account that finished: %j', (counts, expected) => {
    const finished = { ...everyEvent['account.finished'], status: 'ok', counts: { ...noCounts, ...counts } } as const
    expect(eventText(finished)).toBe(`alice: ${expected}`)
  })

  it('an account that was stopped before its listing', () => {
    const { type, account } = everyEvent['account.finished']
    const stopped = { type, account, status: 'incomplete', counts: noCounts, seconds: 0 } as const
    expect(eventText(stopped)).toBe('alice: stopped before its messages were listed')
  })

  it.each(Object.entries(flagTexts))('flag %s is worded', (flag, text) => {
    expect(eventText({ ...everyEvent['message.flagged'], flag: flag as keyof typeof flagTexts })).toBe(
      `alice: message "u1": ${text}`,
    )
  })
})

describe('faults', () => {
  it.each(faultCodes)('%s names what happened, server, phase, the server’s words, and what to do', (code) => {
    const text = faultText(fault(code, 'it broke'))
    const [what = '', advice = ''] = text.split(' — ')
    expect(what).toBe(`${code === 'internal' ? 'internal error: ' : ''}it broke (pop.example:995, RETR 7): "-ERR no"`)
    expect(advice).toMatch(/\w+ \w+/)
    expect(advice).not.toMatch(/[.!]$/)
  })

  it.each([
    ['nothing but the message', {}, 'it broke'],
    ['a server', { server: 'h:1' }, 'it broke (h:1)'],
    ['a phase', { phase: 'UIDL' }, 'it broke (UIDL)'],
    ['an empty reply', { reply: '' }, 'it broke'],
  ])('with %s', (_, facts, expected) => {
    expect(happened(new Fault('protocol', 'it broke', facts))).toBe(expected)
  })

  it('a hint of its own replaces the table’s', () => {
    expect(faultText(new Fault('held', 'taken', { hint: 'wait' }))).toBe('taken — wait')
  })

  it('CON-06 escapes every part, and cuts what is long', () => {
    const facts = { server: hostile, phase: hostile, reply: hostile.repeat(99), hint: hostile }
    const text = faultText(new Fault('protocol', hostile, facts))
    expect(text).not.toMatch(unsafe)
    expect(text.length).toBeLessThan(1500)
  })
})

describe('message names', () => {
  it.each([
    ['u1', 'u1', '"u1"'],
    ['u1\n2', 'u1', '"u1" (no. 2)'],
    ['\n#3 0123456789abcdef', '', 'no. 3 (without id)'],
    [`\nsha256:${'0a'.repeat(32)}`, `sha256:${'0a'.repeat(32)}`, 'sha256:0a0a0a0a0a0a0a0a (without id)'],
    ['\u001b[2J', '\u001b[2J', '"\\x1b[2J"'],
    ['x'.repeat(99), 'x'.repeat(99), `"${'x'.repeat(80)}…"`],
  ])('%j', (raw, uidl, name) => {
    expect(uidlOf(key(raw))).toBe(uidl)
    expect(messageName(key(raw))).toBe(name)
  })
})
