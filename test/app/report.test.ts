import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Draft, report, type ReportOrder } from '../../src/app/report.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Counts } from '../../src/ports/event.js'
import type { Failure, Ledger, Untried } from '../../src/ports/ledger.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { Listed, Report, UncopiedMessage } from '../../src/ports/report.js'
import type { Lane, Position, Receipt } from '../../src/ports/target.js'
import { receipt } from '../contract/ledger.js'
import { systemClock as clock } from '../support/clock.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'

let folder: TemporaryFolder

beforeEach(async () => {
  folder = await memoryFolder()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

const targets = ['one', 'two']
const day = 86_400_000

async function openedLedger(...accounts: readonly string[]): Promise<Ledger> {
  const ledger = await openLedger({ folder: folder.path, readOnly: false, clock })
  const lanes = targets.map((target) => ({ target, place: `maildir:/mail/${target}` }))
  await ledger.enrol(accounts.map((account) => ({ account, host: 'pop.example', user: account, lanes })))
  return ledger
}

/** A draft in memory. */
class Draught implements Draft {
  text = ''

  get size(): number {
    return this.text.length
  }

  async write(text: string): Promise<void> {
    this.text += text
  }

  async cut(size: number): Promise<void> {
    this.text = this.text.slice(0, size)
  }
}

interface Told extends Report {
  readonly uncopied: readonly UncopiedMessage[]
}

/** The report and its list, by a form that keeps everything. */
async function told(ledger: Ledger, accounts: readonly string[], more: Partial<ReportOrder> = {}): Promise<Told> {
  const draft = new Draught()
  const written = await report({
    ledger,
    planned: accounts.map((name) => ({ name, targets: targets.map((target) => ({ name: target })) })),
    former: true,
    at: Date.UTC(2026, 5, 1),
    version: '1.2.3',
    plan: '/plan.yaml',
    form: { messages: (messages) => messages.map((one) => `${JSON.stringify(one)}\n`).join(''), closing: () => '' },
    draft,
    subjectOf: async () => undefined,
    ...more,
  })
  const uncopied = draft.text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as UncopiedMessage)
  return { ...written, uncopied }
}

const key = (text: string): MessageKey => text as MessageKey

async function copied(ledger: Ledger, lane: Lane, receipts: readonly Receipt[], at = 1): Promise<void> {
  await ledger.advance(lane, { committed: { receipts, position: 'p' as Position, at } })
}

/** What became of each message of a maildrop in a run. */
type Fate = 'copied' | 'present' | 'filtered' | 'vanished' | 'pending' | 'failed' | 'failed at two'

/** What the engine records at the end of a run that found these. */
async function finish(ledger: Ledger, account: string, fates: readonly Fate[], run = 'r'): Promise<void> {
  const counts: Record<keyof Counts, number> = {
    ...{ listed: fates.length, copied: 0, present: 0, filtered: 0, failed: 0, vanished: 0, pending: 0 },
    ...{ reidentified: 0, deleted: 0, bytes: 0 },
  }
  const failures: Failure[] = []
  const untried: Untried[] = []
  for (const [number, fate] of fates.entries()) {
    const facts = { key: key(`u${number}`), size: number }
    counts[fate === 'failed at two' ? 'failed' : fate]++
    if (fate === 'failed') failures.push({ ...facts, code: 'retr-refused', error: 'no' })
    if (fate === 'failed at two') failures.push({ ...facts, target: 'two', code: 'too-big', error: 'too big' })
    if (fate === 'vanished' || fate === 'pending') untried.push({ ...facts, state: fate })
  }
  const status = counts.failed + counts.pending > 0 ? 'incomplete' : 'ok'
  await ledger.finishAccount(account, { run, at: 9, status, failures, listing: { counts, untried } })
}

const sumOf = ({ copied, present, filtered, failed, vanished, pending }: Listed): number =>
  copied + present + filtered + failed + vanished + pending

function expectSums(written: Told): void {
  const { totals, years, throughput, uncopied, accounts } = written
  const planned = accounts.filter((account) => account.planned)
  expect(sumOf(totals)).toBe(totals.listed)
  for (const field of ['listed', 'copied', 'present', 'filtered', 'failed', 'vanished', 'pending'] as const) {
    expect(planned.reduce((sum, { listing }) => sum + (listing?.[field] ?? 0), 0)).toBe(totals[field])
  }
  for (const { account, listing } of planned) {
    if (!listing) continue
    expect(sumOf(listing)).toBe(listing.listed)
    for (const state of ['failed', 'vanished', 'pending'] as const) {
      expect(listing[state]).toBeGreaterThanOrEqual(0)
      const named = uncopied.filter((one) => one.account === account && one.state === state)
      expect(named, `${account} ${state}`).toHaveLength(listing[state])
      expect(new Set(named.map((one) => one.key)).size).toBe(listing[state])
    }
  }
  const stored = [...years.years, years.undated, years.unknown]
  expect(stored.reduce((sum, { messages }) => sum + messages, 0)).toBe(totals.stored.messages)
  expect(stored.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(totals.stored.bytes)
  const bins = throughput?.bins ?? []
  expect(bins.reduce((sum, { messages }) => sum + messages, 0)).toBe(totals.copies.messages)
  expect(bins.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(totals.copies.bytes)
}

describe('a report', () => {
  it('of nothing is certain of nothing', async () => {
    await using ledger = await openedLedger()
    const written = await told(ledger, ['alice'])
    expect(written).toMatchObject({
      verdict: 'unknown',
      totals: { accounts: 1, complete: 0, listed: 0 },
      accounts: [{ account: 'alice', doubts: ['never-run'], targets: [{ target: 'one' }, { target: 'two' }] }],
      uncopied: [],
    })
    expect(written.throughput).toBeUndefined()
    expectSums(written)
  })

  it('adds up, whatever became of the messages, and whatever was copied since', async () => {
    const fate = fc.constantFrom<Fate>(
      ...(['copied', 'present', 'filtered', 'vanished', 'pending', 'failed', 'failed at two'] as const),
    )
    const message = fc.record({ fate, since: fc.subarray(targets), year: fc.integer({ min: 1970, max: 2026 }) })
    const accounts = fc.array(fc.array(message, { maxLength: 12 }), { minLength: 1, maxLength: 3 })
    let round = 0
    await fc.assert(
      fc.asyncProperty(accounts, async (maildrops) => {
        const names = maildrops.map((_, index) => `${round}-${index}`)
        round++
        await using ledger = await openedLedger(...names)
        await ledger.startRun(`r${round}`, 1)
        await ledger.finishRun(`r${round}`, 2, 0)
        let lacking = 0
        for (const [index, messages] of maildrops.entries()) {
          const account = names[index] ?? ''
          await finish(
            ledger,
            account,
            messages.map((one) => one.fate),
          )
          const arrived = messages.map(({ fate, since }) => {
            if (fate === 'copied' || fate === 'present') return targets
            if (fate === 'failed at two') return ['one', ...since.filter((target) => target === 'two')]
            return fate === 'filtered' ? [] : since
          })
          lacking += messages.filter((one, number) => {
            const settled = one.fate === 'filtered' || one.fate === 'vanished'
            return !settled && (arrived[number]?.length ?? 0) < 2
          }).length
          for (const target of targets) {
            const receipts = messages.flatMap(({ year }, number) =>
              arrived[number]?.includes(target) === true
                ? [receipt(`u${number}`, { size: number, date: year % 9 === 0 ? undefined : Date.UTC(year, 5) })]
                : [],
            )
            await copied(ledger, { account, target }, receipts, Date.UTC(2026, 0) + index * 3 * day)
          }
        }
        const written = await told(ledger, names, { former: false })
        expectSums(written)
        // What was copied since was copied by a run of which nobody knows how far it came.
        const has = (messages: readonly { fate: Fate }[], state: RegExp): boolean =>
          messages.some((one) => state.test(one.fate))
        const stopped = maildrops.some((one) => has(one, /pending/) && !has(one, /failed/))
        expect(written.verdict).toBe(lacking > 0 ? 'missing' : stopped ? 'unknown' : 'complete')
      }),
      { numRuns: 40 },
    )
  }, 60_000)

  it('says of each uncopied message what is known: size, subject, why, and what to do', async () => {
    await using ledger = await openedLedger('alice')
    const kept = { key: key('u1'), sha256: 'ef'.repeat(32), size: 8, flags: [], code: 'too-big', error: 'too big' }
    await ledger.advance(
      { account: 'alice', target: 'two' },
      { committed: { receipts: [], kept: [kept], position: 'p' as Position, at: 1 } },
    )
    await finish(ledger, 'alice', ['failed', 'failed at two', 'pending', 'vanished'])
    const asked: string[] = []
    const subjectOf = async (name: string): Promise<string> => {
      asked.push(name)
      return 'Plans'
    }
    const { uncopied, accounts } = await told(ledger, ['alice'], { subjectOf })
    expect(asked).toEqual([expect.stringMatching(/^[0-9a-f]{32}-(?:ef){16}\.eml$/)])
    expect(uncopied).toMatchObject(
      [
        { key: 'u0', state: 'failed', size: 0, reasons: [{ code: 'retr-refused', error: 'no', hint: /asks again/ }] },
        {
          key: 'u1',
          size: 1,
          subject: 'Plans',
          reasons: [{ target: 'two', code: 'too-big', hint: /raise the limit/ }],
        },
        { key: 'u2', state: 'pending', reasons: [{ code: 'pending', error: /left for a later run/ }] },
        { key: 'u3', state: 'vanished', reasons: [{ code: 'vanished', error: /gone from the server/ }] },
      ].map((one) => expectedOf(one)),
    )
    expect(accounts[0]?.reasons.map(({ code, target, messages }) => [code, target, messages])).toEqual([
      ['retr-refused', undefined, 1],
      ['too-big', 'two', 1],
      ['pending', undefined, 1],
      ['vanished', undefined, 1],
    ])
  })

  it('is told anew where a run finishes the account meanwhile', async () => {
    await using ledger = await openedLedger('before', 'alice')
    const many = (count: number): readonly Fate[] => Array.from({ length: count }, () => 'failed' as const)
    await finish(ledger, 'before', many(3))
    await finish(ledger, 'alice', many(2500))
    let pages = 0
    const form = {
      messages: (messages: readonly UncopiedMessage[]) => messages.map((one) => `${JSON.stringify(one)}\n`).join(''),
      closing: () => '',
    }
    const draft = new Draught()
    const write = draft.write.bind(draft)
    draft.write = async (text) => {
      await write(text)
      // After the first page of alice another run has only seven failures left.
      if (++pages === 3) await finish(ledger, 'alice', [...many(7), 'copied'], 'r2')
    }
    const written = await told(ledger, ['before', 'alice'], { form, draft })
    const lines = draft.text.trim().split('\n')
    expect(lines).toHaveLength(10)
    expect(written.accounts.map(({ listing }) => listing?.failed)).toEqual([3, 7])
    expect(written.totals).toMatchObject({ listed: 11, failed: 10, copied: 1 })
  })

  it.each<[string, (ledger: Ledger) => Promise<void>, string, readonly string[]]>([
    ['is complete', async () => undefined, 'complete', []],
    [
      'was not listed by the last run',
      async (ledger) => ledger.finishAccount('alice', { run: 'r2', at: 10, status: 'failed', code: 'unreachable' }),
      'unknown',
      ['not-listed'],
    ],
    [
      'stopped early',
      async (ledger) => {
        const { outcome } = (await ledger.records.account('alice')) ?? {}
        const listing = { counts: outcome!.counts, untried: [] }
        await ledger.finishAccount('alice', { run: 'r', at: 10, status: 'incomplete', failures: [], listing })
      },
      'unknown',
      ['stopped'],
    ],
    ['was killed in its last run', async (ledger) => ledger.startRun('r2', 50), 'unknown', []],
    [
      'lost a message at a target',
      async (ledger) => ledger.amend({ account: 'alice', target: 'two' }, { lost: [key('u0')], at: 10 }),
      'missing',
      [],
    ],
    [
      'has a target that is no longer in the plan and lost a message there',
      async (ledger) => {
        const lane = { account: 'alice', target: 'old' }
        const lanes = [{ target: 'old', place: 'mbox:/old' }]
        await ledger.enrol([{ account: 'alice', host: 'pop.example', user: 'alice', lanes }])
        await copied(ledger, { account: 'alice', target: 'old' }, [receipt('u0')])
        await ledger.amend(lane, { lost: [key('u0')], at: 10 })
      },
      'complete',
      [],
    ],
  ])('of an account that %s', async (_, change, verdict, doubts) => {
    await using ledger = await openedLedger('alice')
    await ledger.startRun('r', 1)
    await finish(ledger, 'alice', ['present'])
    for (const target of targets) await copied(ledger, { account: 'alice', target }, [receipt('u0')])
    await ledger.finishRun('r', 9, 0)
    await change(ledger)
    const written = await told(ledger, ['alice'])
    expect(written.verdict).toBe(verdict)
    expect(written.accounts[0]?.doubts).toEqual(doubts)
    expectSums(written)
  })

  it('tells an account that was never listed from one of an earlier version', async () => {
    await using ledger = await openedLedger('alice', 'bob', 'carol')
    const failure = { key: key('a'), code: 'io', error: 'no' }
    await ledger.finishAccount('alice', { run: 'r', at: 9, status: 'failed', code: 'unreachable', error: 'no route' })
    // What version 1 of the ledger left.
    await ledger.finishAccount('bob', { run: 'r', at: 9, status: 'ok', failures: [] })
    await ledger.finishAccount('carol', { run: 'r', at: 9, status: 'incomplete', failures: [failure] })
    const { accounts } = await told(ledger, ['alice', 'bob', 'carol'])
    expect(accounts.map(({ verdict, doubts }) => [verdict, ...doubts])).toEqual([
      ['unknown', 'not-listed'],
      ['unknown', 'uncounted'],
      ['missing', 'uncounted'],
    ])
  })

  it('knows renamed accounts and targets by their old names, and names what is no longer in the plan', async () => {
    await using ledger = await openedLedger('alice', 'bob')
    await finish(ledger, 'alice', ['copied', 'failed at two'])
    await finish(ledger, 'bob', ['failed'])
    for (const target of targets) await copied(ledger, { account: 'alice', target }, [receipt('u0')])
    const planned = [
      {
        name: 'alicia',
        previously: 'alice',
        targets: [{ name: 'one' }, { name: 'second', previously: 'two' }, { name: 'third' }],
      },
    ]
    const { accounts, uncopied, totals, verdict } = await told(ledger, [], { planned })
    expect(accounts).toMatchObject([
      { account: 'alicia', planned: true, doubts: ['new-target'], stored: { messages: 1 } },
      { account: 'bob', planned: false, verdict: 'missing' },
    ])
    expect(accounts[0]?.targets.map(({ target, planned: is, messages }) => [target, is, messages])).toEqual([
      ['one', true, 1],
      ['second', true, 1],
      ['third', true, 0],
    ])
    expect(uncopied.map(({ account, key: name, reasons }) => [account, name, reasons[0]?.target])).toEqual([
      ['alicia', 'u1', 'second'],
      ['bob', 'u0', undefined],
    ])
    expect({ verdict, listed: totals.listed }).toEqual({ verdict: 'missing', listed: 2 })
    expect((await told(ledger, [], { planned, former: false })).accounts).toHaveLength(1)
  })
})

/** Patterns stand for what must match them. */
function expectedOf(value: unknown): unknown {
  if (value instanceof RegExp) return expect.stringMatching(value)
  if (Array.isArray(value)) return value.map(expectedOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, expectedOf(part)]))
}
