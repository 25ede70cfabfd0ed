import { describe, expect, it } from 'vitest'
import { type Event, noCounts } from '../../src/ports/event.js'
import { type LogOptions, logReporter, transcriptReporter } from '../../src/reporters/log.js'
import { collected, countsOf, everyEvent, fault, hostileEvent, key, named, unsafe } from './events.js'

function log(events: readonly Event[], options: Partial<LogOptions> = {}): readonly string[] {
  const output = collected()
  const reporter = logReporter({ output, paint: named, quiet: false, verbosity: 0, ...options })
  for (const event of events) reporter.on(event)
  return output.lines
}

const { retry, warning, protocol } = everyEvent
const failed = everyEvent['message.failed']
const stopped = everyEvent['target.stopped']
const bad = everyEvent['account.finished']
const good = { type: 'account.finished', account: 'alice', status: 'ok', seconds: 1 } as const
const copied: Event = { ...good, counts: countsOf({ copied: 1 }) }
const nothingNew: Event = { ...good, counts: countsOf({ present: 1 }) }
const flagged = everyEvent['message.flagged']

describe('what is logged, and in which tone', () => {
  // Events, then the tones at: --quiet, normal, -v, -vv; `-` is no line.
  it.each<[string, Event, string]>([
    ['a failed message', failed, 'bad bad bad bad'],
    ['a stopped target', stopped, 'bad bad bad bad'],
    ['a failed account', bad, 'bad bad bad bad'],
    ['a warning', warning, 'warning warning warning warning'],
    ['a short message', { ...flagged, flag: 'size-mismatch' }, 'warning warning warning warning'],
    ['another flag', flagged, '- - plain plain'],
    ['a retry', retry, '- plain plain plain'],
    ['a start', everyEvent['account.started'], '- - plain plain'],
    ['a listing', everyEvent['account.listed'], '- - plain plain'],
    ['an account with something new', copied, '- good good good'],
    ['an account with nothing new', nothingNew, '- - plain plain'],
    ['the protocol', protocol, '- - - plain'],
    ['a message', everyEvent['message.fetched'], '- - - -'],
    ['a checkpoint', everyEvent.checkpoint, '- - - -'],
    ['the start of the run', everyEvent['run.started'], '- - - -'],
    ['the end of the run', everyEvent['run.finished'], '- - - -'],
  ])('%s', (_, event, expected) => {
    const levels = [{ quiet: true }, {}, { verbosity: 1 }, { verbosity: 2 }]
    const tones = levels.map((options) => {
      const [line] = log([event], options)
      return line === undefined ? '-' : (/^<(\w+)>/.exec(line)?.[1] ?? 'plain')
    })
    expect(tones.join(' ')).toBe(expected)
  })

  it('PRC-11 a nightly run with nothing new logs nothing', () => {
    expect(log([everyEvent['account.started'], everyEvent['account.listed'], nothingNew])).toEqual([])
  })
})

describe('what was told once is not told again', () => {
  it.each<[string, Event]>([
    ['a message', { ...failed, fault: fault('io') }],
    ['a target', { ...stopped, fault: fault('io') }],
  ])('an account that ends with the fault of %s', (_, event) => {
    const ended = { ...bad, ...('fault' in event && { fault: event.fault }) } as Event
    expect(log([event, ended])).toHaveLength(1)
  })

  it('but an account that gave up after a retry says so: with advice, also with --quiet', () => {
    const ended = { ...bad, fault: retry.fault } as Event
    expect(log([retry, ended])).toEqual([
      expect.stringMatching(/attempt 2 in 2 s$/),
      expect.stringMatching(/^<bad> alice: reset .* — the next run goes on/),
    ])
    expect(log([retry, ended], { quiet: true })).toHaveLength(1)
  })

  it('ten failed messages of an account are named, and one line stands for the rest', () => {
    const many = Array.from({ length: 50 }, (_, index): Event => ({ ...failed, key: key(`u${index}`) }))
    const others = { ...failed, account: 'bob' }
    const lines = log([...many, others])
    expect(lines).toHaveLength(12)
    expect(lines[9]).toContain('"u9"')
    expect(lines[10]).toBe('<bad> alice: more messages failed; `--json` names all of them')
    expect(lines[11]).toContain('bob')
  })

  it('exactly ten are all named', () => {
    const ten = Array.from({ length: 10 }, (_, index): Event => ({ ...failed, key: key(`u${index}`) }))
    expect(log(ten).at(-1)).toContain('"u9"')
  })
})

it('CON-06 no line holds a raw control character', () => {
  const events = Object.values(everyEvent).map(hostileEvent)
  const lines = log(events, { verbosity: 2 })
  expect(lines.length).toBeGreaterThan(8)
  for (const line of lines) expect(line).not.toMatch(unsafe)
})

it('beside --json only the protocol goes to stderr', () => {
  const output = collected()
  const reporter = transcriptReporter(output)
  for (const event of Object.values(everyEvent)) reporter.on(event)
  reporter.on({ ...bad, counts: noCounts })
  expect(output.lines).toEqual(['alice < +OK'])
})
