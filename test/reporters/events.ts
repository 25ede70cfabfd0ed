import fc from 'fast-check'
import { type Counts, type Event, noCounts } from '../../src/ports/event.js'
import { Fault, type FaultCode, faults } from '../../src/ports/fault.js'
import type { Flag, MessageKey } from '../../src/ports/message.js'
import type { Output, Paint } from '../../src/reporters/style.js'

export type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/** What a server or a message may bring: an escape sequence, BEL, C1, bidi, a lone surrogate, all kinds of line ends. */
export const hostile = 'a\u001b]0;pwned\u0007\u001b[2J\u009b2J\u202e\u200b\ud800\0\r\n\u2028\u2029b'

/** Whatever could move a cursor, hide text or end a line. */
export const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

export const faultCodes = Object.keys(faults) as FaultCode[]

/** Counts that add up. */
export function countsOf(states: Partial<Counts>): Counts {
  const { copied = 0, present = 0, filtered = 0, failed = 0, vanished = 0, pending = 0 } = states
  return { ...noCounts, ...states, listed: copied + present + filtered + failed + vanished + pending }
}

export function fault(code: FaultCode = 'retr-refused', message = 'the server does not hand it out'): Fault {
  return new Fault(code, message, { server: 'pop.example:995', phase: 'RETR 7', reply: '-ERR no' })
}

export const key = (uidl: string): MessageKey => uidl as MessageKey

/** One event of each type; a new type does not compile until it stands here. */
export const everyEvent: { readonly [T in Event['type']]: EventOf<T> } = {
  'run.started': { type: 'run.started', run: 'r1', plan: '/p/migrate.yaml', accounts: 2 },
  'account.started': { type: 'account.started', account: 'alice', server: 'pop.example' },
  'account.listed': {
    type: 'account.listed',
    account: 'alice',
    messages: 1200,
    bytes: 9_000_000,
    missing: 1,
    missingBytes: 2048,
  },
  'message.wanted': { type: 'message.wanted', account: 'alice', key: key('u1\n2'), size: 2048 },
  'message.fetched': { type: 'message.fetched', account: 'alice', size: 2048 },
  'message.failed': { type: 'message.failed', account: 'alice', key: key('u1\n2'), target: 'mbox', fault: fault() },
  'message.flagged': { type: 'message.flagged', account: 'alice', key: key('u1'), flag: 'lossy-form' },
  checkpoint: { type: 'checkpoint', account: 'alice', target: 'mbox', messages: 3, copied: 2, bytes: 99 },
  retry: { type: 'retry', account: 'alice', attempt: 2, delayMs: 1500, fault: fault('connection-lost', 'reset') },
  'target.stopped': { type: 'target.stopped', account: 'alice', target: 'mbox', fault: fault('disk-full', 'full') },
  'target.adopted': { type: 'target.adopted', account: 'alice', target: 'mbox', messages: 3, others: 2 },
  warning: { type: 'warning', account: 'alice', code: 'plaintext', message: 'unencrypted' },
  'account.finished': {
    type: 'account.finished',
    account: 'alice',
    status: 'failed',
    counts: countsOf({ copied: 2, present: 3, failed: 1, bytes: 99 }),
    seconds: 1.23456,
    fault: fault('auth-failed', 'refused'),
  },
  'run.finished': {
    type: 'run.finished',
    run: 'r1',
    exitCode: 3,
    counts: countsOf({ copied: 2, present: 3, failed: 1, bytes: 99 }),
    seconds: 1.23456,
    dryRun: false,
  },
  protocol: { type: 'protocol', account: 'alice', direction: '<', line: '+OK' },
}

/** The same with every text replaced by a hostile one. */
export function hostileEvent(event: Event): Event {
  const twist = (value: unknown, field: string): unknown => {
    if (value instanceof Fault) {
      return new Fault(value.code, hostile, { server: hostile, phase: hostile, reply: hostile, hint: hostile })
    }
    // An id cannot hold a line feed.
    if (field === 'key') return hostile.replace('\n', '')
    return typeof value === 'string' && !closed.has(field) ? hostile : value
  }
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, twist(value, name)])) as Event
}

/** Fields that only the engine writes. */
const closed = new Set(['type', 'flag', 'status', 'direction'])

export interface Collected extends Output {
  readonly text: string
  readonly lines: readonly string[]
}

/** An output that keeps what was written. */
export function collected(): Collected {
  let text = ''
  return {
    write(more) {
      text += more
    },
    get text() {
      return text
    },
    get lines() {
      return text.split('\n').slice(0, -1)
    },
  }
}

/** Shows the tone instead of a colour. */
export const named: Paint = (tone, line) => (tone === 'plain' ? line : `<${tone}> ${line}`)

const count = fc.nat(1000)
const flags = [
  'size-mismatch',
  'unstuffed-dot',
  'newline-added',
  'lossy-form',
  'date-missing',
] as const satisfies Flag[]

/** Any event of one of three accounts or of the run, in no order at all. */
export const anyEvent: fc.Arbitrary<Event> = fc
  .record({
    type: fc.constantFrom(...(Object.keys(everyEvent) as Event['type'][])),
    account: fc.constantFrom('a', 'b', '日本語'.repeat(9), hostile),
    numbers: fc.record({ messages: count, bytes: count, missing: count, missingBytes: count, copied: count }),
    states: fc.record({ copied: count, present: count, failed: count, vanished: count, pending: count, bytes: count }),
    flag: fc.constantFrom(...flags),
    status: fc.constantFrom('ok' as const, 'incomplete' as const, 'failed' as const),
    code: fc.constantFrom(...faultCodes),
  })
  .map(({ type, account, numbers, states, flag, status, code }): Event => {
    const template: Event = everyEvent[type]
    const replaced = {
      ...('account' in template && { account }),
      ...(type === 'account.listed' && numbers),
      ...(type === 'checkpoint' && { copied: numbers.copied, bytes: numbers.bytes }),
      ...(type === 'message.fetched' && { size: numbers.bytes }),
      ...('counts' in template && { counts: countsOf(states) }),
      ...('flag' in template && { flag }),
      ...('status' in template && { status }),
      ...('fault' in template && { fault: fault(code) }),
    }
    return { ...template, ...replaced }
  })
