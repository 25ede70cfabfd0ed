import { describe, expect, it } from 'vitest'
import { type Counts, type Event, noCounts } from '../../src/ports/event.js'
import type { Fault } from '../../src/ports/fault.js'
import { summaryReporter } from '../../src/reporters/summary.js'
import { collected, countsOf, everyEvent, fault, hostileEvent, key, named, unsafe } from './events.js'

interface Account {
  readonly counts?: Partial<Counts>
  /** It did not come to its end. */
  readonly fault?: Fault
  readonly events?: readonly Event[]
}

/** The summary of a run of these accounts, `a`, `b`, … */
function summary(list: readonly Account[], exitCode = 0, dryRun = false): readonly string[] {
  const output = collected()
  const reporter = summaryReporter(output, named)
  const all = list.map(({ counts = {} }) => countsOf(counts))
  reporter.on({ type: 'run.started', run: 'r', plan: 'p', accounts: list.length })
  for (const [index, { fault, events = [] }] of list.entries()) {
    const account = 'abc'[index] ?? ''
    for (const event of events) reporter.on({ ...event, account } as Event)
    const end = {
      status: fault ? 'incomplete' : 'ok',
      counts: all[index] ?? noCounts,
      ...(fault && { fault }),
    } as const
    reporter.on({ type: 'account.finished', account, seconds: 1, ...end })
  }
  const names = Object.keys(noCounts) as (keyof Counts)[]
  const sum = (name: keyof Counts): number => all.reduce((total, counts) => total + counts[name], 0)
  const counts = { ...noCounts, ...Object.fromEntries(names.map((name) => [name, sum(name)])) }
  reporter.on({ type: 'run.finished', run: 'r', exitCode, counts, seconds: 65, dryRun })
  return output.lines
}

const stopped = (target: string, why: Fault): Event => ({ ...everyEvent['target.stopped'], target, fault: why })
const failed = (uidl: string, why: Fault, target?: string): Event => ({
  type: 'message.failed',
  account: '',
  key: key(uidl),
  fault: why,
  ...(target !== undefined && { target }),
})
const short: Event = { ...everyEvent['message.flagged'], flag: 'size-mismatch' }
const lost = fault('connection-lost', 'reset')
const lostText = 'reset (pop.example:995, RETR 7): "-ERR no" — the next run goes on where this one stopped'

describe('the verdict', () => {
  it.each<[string, readonly Account[], string]>([
    ['nothing at all', [{}], 'No messages in 1 account: nothing to do.'],
    [
      'one message',
      [{ counts: { copied: 1, bytes: 9 } }],
      'The only message of 1 account is safe: 1 copied (9 B in 1:05 min).',
    ],
    [
      'some new',
      [{ counts: { copied: 2, present: 1, bytes: 2048 } }, { counts: { present: 2000 } }],
      'All 2,003 messages of 2 accounts are safe: 2 copied, 2,001 were already there (2.0 KB in 1:05 min).',
    ],
    ['nothing new', [{ counts: { present: 3 } }], 'All 3 messages of 1 account are safe: nothing new.'],
    [
      'a limit',
      [{ counts: { copied: 1, pending: 2 } }],
      '1 message is safe: 1 copied; 2 more are left for the next run.',
    ],
    [
      'vanished ones are not called safe',
      [{ counts: { copied: 2, vanished: 1, bytes: 9 } }],
      '2 messages are safe: 2 copied, 1 vanished from the server unfetched (9 B in 1:05 min).',
    ],
  ])('exit 0, %s', (_, accounts, expected) => {
    expect(summary(accounts)).toEqual([`<good> ${expected}`])
  })

  it.each<[string, readonly Account[], number, string]>([
    ['not reached', [{ fault: lost }], 75, '<warning> 1 of 1 account could not be finished:'],
    [
      'one of two not reached',
      [{ counts: { copied: 3 } }, { fault: lost }],
      75,
      '<warning> 1 of 2 accounts could not be finished; 3 messages are safe: 3 copied:',
    ],
    [
      'a failed and some untried messages',
      [{ counts: { copied: 3, failed: 1, pending: 4 }, fault: lost }],
      3,
      '<bad> 5 messages of 1 account are missing; 3 messages are safe: 3 copied:',
    ],
    [
      'an account without a listing beside one with a failure and one with a limit',
      [{ fault: lost }, { counts: { present: 1, failed: 1 }, fault: lost }, { counts: { pending: 7 } }],
      3,
      '<bad> 1 message of 1 account is missing; 1 of 3 accounts could not be finished; 1 message is safe: nothing new:',
    ],
    [
      'a short message',
      [{ counts: { copied: 2 }, events: [short] }],
      3,
      '<bad> 2 messages are safe: 2 copied; look at these:',
    ],
    [
      'interrupted',
      [{ counts: { copied: 1, pending: 1200 } }],
      130,
      '<warning> Stopped. 1 message is safe: 1 copied, 1,200 left; the same command goes on from here.',
    ],
    [
      'terminated before a listing',
      [{}],
      143,
      '<warning> Stopped before anything was listed; the same command goes on from here.',
    ],
  ])('%s', (_, accounts, exitCode, expected) => {
    expect(summary(accounts, exitCode)[0]).toBe(expected)
  })
})

describe('a dry run', () => {
  it('lists what would be copied', () => {
    const wanted = [everyEvent['message.wanted'], { ...everyEvent['message.wanted'], key: key('u2') }]
    expect(summary([{ counts: { pending: 2, present: 1 }, events: wanted }], 0, true)).toEqual([
      'a: would copy "u1" (no. 2) (2.0 KB)',
      'a: would copy "u2" (2.0 KB)',
      '<good> Dry run: 2 of 3 messages of 1 account would be copied; nothing was written.',
    ])
  })

  it('does not call missing what it left pending', () => {
    expect(summary([{ counts: { pending: 2, failed: 1 }, fault: lost }], 3, true).slice(0, 2)).toEqual([
      '<bad> 1 message of 1 account is missing:',
      '  a: 1 message missing',
    ])
  })
})

describe('what went wrong', () => {
  it('names account, target and message, with what to do', () => {
    const full = fault('disk-full', 'full')
    const events = [stopped('mbox', full), failed('u1', fault()), failed('u2', fault(), 'mbox')]
    expect(summary([{ counts: { copied: 1, failed: 2 }, fault: full, events }], 3).slice(1)).toEqual([
      '  a: 2 messages missing',
      '    target mbox: full (pop.example:995, RETR 7): "-ERR no" — free some space (or inodes) and run again',
      expect.stringMatching(/^ {4}message "u1": the server does not hand it out .* — the next run asks again/),
      expect.stringMatching(/^ {4}message "u2" into mbox: the server does not hand it out /),
    ])
  })

  it('says what an account ended with, unless a target or a message says so', () => {
    expect(summary([{ fault: lost }], 75)[2]).toBe(`    ${lostText}`)
    expect(summary([{ fault: lost, events: [stopped('mbox', lost)] }], 75).slice(2)).toEqual([
      `    target mbox: ${lostText}`,
    ])
  })

  it('forgets a stopped target that went on', () => {
    const events = [stopped('mbox', lost), { ...everyEvent.checkpoint, target: 'mbox' }]
    expect(summary([{ counts: { copied: 1 }, events }])).toHaveLength(1)
  })

  it('a thousand refusals are one line that names ten', () => {
    const events = Array.from({ length: 1000 }, (_, index) => failed(`u${index}`, fault()))
    const [, , line = '', ...more] = summary([{ counts: { failed: 1000 }, fault: fault(), events }], 3)
    expect(more).toEqual([])
    expect(line).toMatch(/^ {4}messages "u0", .*"u9" and 990 more: the server does not hand it out/)
  })

  it('names messages that arrived short', () => {
    expect(summary([{ counts: { copied: 1 }, events: [short] }], 3).slice(1)).toEqual([
      '  a',
      '    message "u1": arrived shorter than the server lists it; the longest copy that came is stored',
    ])
  })

  it('accounts that are well are not named', () => {
    expect(summary([{ counts: { copied: 1 } }, { fault: lost }, { counts: { present: 1 } }], 75)).toHaveLength(3)
  })

  it('CON-06 no line holds a raw control character', () => {
    const output = collected()
    const reporter = summaryReporter(output, named)
    for (const event of Object.values(everyEvent)) reporter.on(hostileEvent(event))
    expect(output.lines.length).toBeGreaterThan(4)
    for (const line of output.lines) expect(line).not.toMatch(unsafe)
  })
})
