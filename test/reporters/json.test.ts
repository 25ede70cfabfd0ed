import { describe, expect, it } from 'vitest'
import { jsonReporter } from '../../src/reporters/json.js'
import { type Event, noCounts } from '../../src/ports/event.js'
import { collected, everyEvent, fault, faultCodes, hostile, hostileEvent, key, unsafe } from './events.js'

const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) }

function linesOf(...events: readonly Event[]): readonly string[] {
  const output = collected()
  const reporter = jsonReporter(output, clock)
  for (const event of events) reporter.on(event)
  return output.lines
}

function only(event: Event): Record<string, unknown> {
  const [line = '', ...more] = linesOf(event)
  expect(more).toEqual([])
  return JSON.parse(line) as Record<string, unknown>
}

const states = ['listed', 'copied', 'present', 'filtered', 'failed', 'vanished', 'pending', 'reidentified', 'deleted']
const failure = ['code', 'transient', 'error', 'hint']

/** CONTRACT, `--json`, and what docs/json.md adds. */
const fields: Partial<Record<Event['type'], readonly string[]>> = {
  'run.started': ['run', 'plan', 'accounts'],
  'account.started': ['account', 'server'],
  'account.listed': ['account', 'messages', 'bytes', 'missing', 'missingBytes'],
  'message.wanted': ['account', 'uidl', 'size'],
  'message.failed': ['account', 'uidl', 'target', ...failure],
  'message.flagged': ['account', 'uidl', 'flag'],
  checkpoint: ['account', 'target', 'messages', 'copied', 'bytes'],
  retry: ['account', 'attempt', 'delayMs', ...failure],
  'target.adopted': ['account', 'target', 'messages', 'others'],
  'target.stopped': ['account', 'target', ...failure],
  warning: ['account', 'code', 'message'],
  'account.finished': ['account', 'status', ...states, 'bytes', 'seconds', ...failure],
  'run.finished': ['run', 'exitCode', ...states, 'bytes', 'seconds', 'dryRun'],
}

describe('--json', () => {
  it.each(Object.values(everyEvent))('$type has exactly its fields', (event) => {
    const expected = fields[event.type]
    if (!expected) expect(linesOf(event)).toEqual([])
    else {
      const { type, time, ...rest } = only(event)
      expect({ type, time }).toEqual({ type: event.type, time: '2026-01-02T03:04:05.678Z' })
      expect(Object.keys(rest).toSorted()).toEqual(expected.toSorted())
    }
  })

  it('has no field for what is absent', () => {
    expect(only({ type: 'warning', code: 'ping-failed', message: 'm' })).not.toHaveProperty('account')
    expect(only({ type: 'message.failed', account: 'a', key: key('u'), fault: fault() })).not.toHaveProperty('target')
    const finished: Event = { type: 'account.finished', account: 'a', status: 'ok', counts: noCounts, seconds: 1 }
    for (const field of failure) expect(only(finished)).not.toHaveProperty(field)
  })

  it.each(Object.values(everyEvent).filter(({ type }) => type in fields))(
    'CON-06 $type stays one safe line',
    (event) => {
      const [line = '', ...more] = linesOf(hostileEvent(event))
      expect(more).toEqual([])
      expect(line).not.toMatch(unsafe)
      expect(() => JSON.parse(line) as unknown).not.toThrow()
    },
  )

  it('gives ids and accounts back unchanged, and an id without its occurrence', () => {
    expect(only({ type: 'message.wanted', account: hostile, key: key('\u001b\u009b \\"\n2'), size: 1 })).toMatchObject({
      account: hostile,
      uidl: '\u001b\u009b \\"',
    })
  })

  it.each(faultCodes)('fault %s: code, whether it passes, words and advice', (code) => {
    const { code: printed, transient, error, hint } = only({ ...everyEvent.retry, fault: fault(code, 'it broke') })
    expect(printed).toBe(code)
    expect(transient).toBe(fault(code).transient)
    expect(error).toContain('it broke (pop.example:995, RETR 7): "-ERR no"')
    expect(hint).toBe(fault(code).hint)
  })

  it.each(['account.finished', 'run.finished'] as const)('%s: the states add up to what was listed', (type) => {
    const { listed, ...rest } = only(everyEvent[type]) as Record<string, number>
    const sum = ['copied', 'present', 'filtered', 'failed', 'vanished', 'pending'].reduce(
      (total, state) => total + (rest[state] ?? NaN),
      0,
    )
    expect(listed).toBe(sum)
    expect(rest['seconds']).toBe(1.235)
  })
})
