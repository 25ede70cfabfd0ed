import { describe, expect, it } from 'vitest'
import { noCounts } from '../../src/ports/event.js'
import type { Failure, Ledger, Untried } from '../../src/ports/ledger.js'
import type { MessageKey } from '../../src/ports/message.js'
import { type AccountRecord, RecordsChanged, type UncopiedRecord } from '../../src/ports/records.js'
import type { Position, Receipt } from '../../src/ports/target.js'
import { collect } from '../support/collect.js'
import { type LedgerHarness, receipt } from './ledger.js'

const one = { account: 'alice', target: 'one' }
const two = { account: 'alice', target: 'two' }
const enrolment = {
  account: 'alice',
  host: 'pop.example',
  user: 'a',
  lanes: [
    { target: 'one', place: 'maildir:/one' },
    { target: 'two', place: 'eml-zip:/two.zip' },
  ],
}

const key = (text: string): MessageKey => text as MessageKey

async function commit(ledger: Ledger, lane: typeof one, at: number, ...receipts: readonly Receipt[]): Promise<void> {
  await ledger.advance(lane, { committed: { receipts, position: `p${at}` as Position, at } })
}

interface Outcome {
  readonly run?: string
  readonly at?: number
  readonly failures?: readonly Failure[]
  readonly untried?: readonly Untried[]
}

async function finish(ledger: Ledger, { run = 'r1', at = 9, failures = [], untried = [] }: Outcome): Promise<void> {
  const found = { failures, listing: { counts: noCounts, untried } }
  await ledger.finishAccount('alice', { run, at, status: 'incomplete', ...found })
}

async function recordOf(ledger: Ledger): Promise<AccountRecord> {
  const record = await ledger.records.account('alice')
  if (!record) throw new Error('alice is not known')
  return record
}

async function uncopied(ledger: Ledger, targets: readonly string[] = ['one', 'two']): Promise<UncopiedRecord[]> {
  return (await collect(ledger.records.uncopied(await recordOf(ledger), targets))).flat()
}

/** What a ledger must be able to tell of the past. */
export function describeRecords(name: string, harness: () => Promise<LedgerHarness>): void {
  describe(`${name} tells of the past`, () => {
    it('knows nothing at first', async () => {
      await using ledger = await (await harness()).open()
      expect(await ledger.records.runs()).toBeUndefined()
      expect(await ledger.records.account('alice')).toBeUndefined()
    })

    it('counts the runs, and says how the newest came out', async () => {
      await using ledger = await (await harness()).open()
      await ledger.startRun('b', 5)
      await ledger.finishRun('b', 6, 3)
      expect(await ledger.records.runs()).toEqual({
        count: 1,
        last: { run: 'b', startedAt: 5, finishedAt: 6, exitCode: 3 },
      })
      await ledger.startRun('a', 7)
      expect(await ledger.records.runs()).toEqual({ count: 2, last: { run: 'a', startedAt: 7 } })
    })

    it('keeps what the last listing run counted, until the next one', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        expect(await recordOf(ledger)).toEqual({
          account: 'alice',
          origin: 'alice',
          host: 'pop.example',
          user: 'a',
          lanes: enrolment.lanes.map((lane) => ({ ...lane, lost: 0, volumes: [] })),
        })
        await finish(ledger, { run: 'r1', at: 7 })
        const error = 'no route\0 to "host"'
        await ledger.finishAccount('alice', { run: 'r2', at: 8, status: 'failed', code: 'unreachable', error })
      }
      await using ledger = await open()
      expect(await recordOf(ledger)).toMatchObject({
        last: { run: 'r2', at: 8, status: 'failed', code: 'unreachable', error: 'no route to "host"' },
        outcome: { run: 'r1', at: 7, counts: noCounts },
      })
      await finish(ledger, { run: 'r3', at: 9 })
      const { last, outcome } = await recordOf(ledger)
      expect({ last, outcome }).toEqual({
        last: { run: 'r3', at: 9, status: 'incomplete' },
        outcome: { run: 'r3', at: 9, counts: noCounts },
      })
    })

    it('tells the copies with their years, and which are the first of their messages', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        const date = Date.UTC(1999, 11, 31, 23, 59, 59)
        await commit(ledger, two, 3, receipt('b', { date: date + 999 }), receipt('a', { date: 0 }))
        await commit(ledger, one, 4, receipt('a', { size: 20, flags: ['date-missing', 'lossy-form'] }))
        await commit(ledger, one, 5, receipt('c', { date: Date.UTC(2070, 0) }))
      }
      await using ledger = await open()
      const copies = (await collect(ledger.records.copies(await recordOf(ledger)))).flat()
      const facts = { messages: 1, bytes: 10, flags: [] }
      expect(copies).toEqual([
        { target: 'one', at: 4, messages: 1, bytes: 20, flags: ['date-missing', 'lossy-form'], first: true },
        { target: 'one', at: 5, ...facts, first: true, year: 2070 },
        { target: 'two', at: 3, ...facts, first: true, year: 1999 },
        { target: 'two', at: 3, ...facts, first: false, year: 1970 },
      ])
      // A receipt keeps its date, also through a loss.
      await ledger.amend(two, { lost: [key('b')], at: 6 })
      const [lost] = await collect(ledger.lost(two))
      expect(lost?.date).toBe(Date.UTC(1999, 11, 31, 23, 59, 59))
    })

    it('names each message that failed once, with all reasons', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      await finish(ledger, {
        failures: [
          { key: key('b'), target: 'one', code: 'too-big', error: 'no\0 "more"', size: 7 },
          { key: key('a\xff\n2'), code: 'retr-refused', error: '-ERR', size: 5, listed: key('new') },
          { key: key('b'), target: 'two', code: 'io', error: 'no', size: 7 },
          { key: key('gone'), target: 'two', code: 'not-at-source', error: 'gone', unlisted: true },
        ],
      })
      expect(await uncopied(ledger)).toEqual([
        {
          key: 'new',
          state: 'failed',
          size: 5,
          arrived: false,
          reasons: [{ code: 'retr-refused', error: '-ERR' }],
        },
        {
          key: 'b',
          state: 'failed',
          size: 7,
          arrived: false,
          reasons: [
            { target: 'one', code: 'too-big', error: 'no "more"' },
            { target: 'two', code: 'io', error: 'no' },
          ],
        },
        {
          key: 'gone',
          state: 'unlisted',
          arrived: false,
          reasons: [{ target: 'two', code: 'not-at-source', error: 'gone' }],
        },
      ])
    })

    it('says what a message waits for in quarantine, and what was copied since', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const kept = { key: key('k'), sha256: 'ef'.repeat(32), size: 8, flags: [], code: 'too-big', error: 'too big' }
      await ledger.advance(two, { committed: { receipts: [], kept: [kept], position: 'p' as Position, at: 1 } })
      const failures = ['k', 'l'].map((text) => ({ key: key(text), target: 'two', code: 'too-big', error: 'too big' }))
      await finish(ledger, { failures, untried: [{ state: 'pending', key: key('m'), size: 3 }] })
      await commit(ledger, one, 10, receipt('k'), receipt('l'), receipt('m'))
      await commit(ledger, two, 10, receipt('l'))
      const rows = (await uncopied(ledger)).map(({ key: name, size, arrived, kept: found }) => [
        name,
        size,
        arrived,
        found,
      ])
      expect(rows).toEqual([
        ['k', 8, false, { key: 'k', sha256: 'ef'.repeat(32) }],
        ['l', undefined, true, undefined],
        ['m', 3, false, undefined],
      ])
      // A target that the plan does not have any more lacks nothing.
      expect((await uncopied(ledger, ['one'])).map(({ arrived }) => arrived)).toEqual([true, true, true])
    })

    it('names thousands, each once, and by the keys that are listed', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const failures = Array.from({ length: 2500 }, (_, index) => {
        return { key: key(`f${String(index).padStart(5, '0')}`), code: 'retr-refused', error: 'no', size: index }
      })
      const untried = Array.from({ length: 3001 }, (_, index): Untried => {
        const own = index === 0 ? { own: key('old\0\u00e9') } : {}
        return { state: index % 3 === 0 ? 'vanished' : 'pending', key: key(`u${index}`), size: index, ...own }
      })
      await finish(ledger, { failures, untried })
      for (const lane of [one, two]) await commit(ledger, lane, 2, receipt('old\0\u00e9'))
      const found = await uncopied(ledger)
      const named = (state: string): readonly string[] =>
        found.filter((row) => row.state === state).map(({ key: name, size }) => `${name} ${size}`)
      expect(named('failed')).toEqual(failures.map(({ key: name, size }) => `${name} ${size}`))
      for (const state of ['pending', 'vanished']) {
        expect(named(state)).toEqual(
          untried.filter((row) => row.state === state).map(({ key: name, size }) => `${name} ${size}`),
        )
      }
      expect(found.filter(({ arrived }) => arrived).map(({ key: name }) => name)).toEqual(['u0'])
      await finish(ledger, { run: 'r2' })
      expect(await uncopied(ledger)).toEqual([])
    })

    it('sums up thousands of copies, each once', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const keys = Array.from({ length: 12_001 }, (_, index) => `k${index}`)
      const receipts = keys.map((name, index) => receipt(name, { date: Date.UTC(1970 + (index % 50), 6) }))
      await commit(ledger, one, 4, ...receipts.slice(0, 7000))
      await commit(ledger, one, 3, ...receipts.slice(7000))
      await commit(ledger, two, 5, ...receipts.slice(2, 9))
      const copies = (await collect(ledger.records.copies(await recordOf(ledger)))).flat()
      const sum = (rows: typeof copies): number => rows.reduce((all, { messages }) => all + messages, 0)
      expect(sum(copies.filter(({ target }) => target === 'one'))).toBe(12_001)
      expect(sum(copies.filter(({ at }) => at === 3))).toBe(5001)
      expect(sum(copies.filter(({ year }) => year === 1970))).toBe(241)
      expect(sum(copies.filter(({ target, first }) => target === 'two' && !first))).toBe(7)
      expect(copies.reduce((all, { bytes }) => all + bytes, 0)).toBe(120_080)
    })

    it('does not mix what two runs have recorded', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const untried = Array.from({ length: 1500 }, (_, index): Untried => {
        return { state: 'pending', key: key(`u${index}`), size: 1 }
      })
      await finish(ledger, { untried })
      const pages = ledger.records.uncopied(await recordOf(ledger), ['one'])[Symbol.asyncIterator]()
      expect((await pages.next()).value).toHaveLength(1000)
      await finish(ledger, { run: 'r2', at: 10, untried })
      await expect(pages.next()).rejects.toThrow(RecordsChanged)
    })

    it('lists the finished volumes', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const volume = { path: '/two.zip', sha256: '12'.repeat(32), messages: 3, bytes: 5e9, at: 4 }
      const begun = { announced: [], position: 'p' as Position, at: 4 }
      await ledger.advance(two, { begun, volume })
      await ledger.advance(two, { begun, volume: { ...volume, path: '/two-0002.zip', at: 5 } })
      await ledger.advance(two, { begun, volume: { ...volume, sha256: '34'.repeat(32) } })
      const [first, second] = (await recordOf(ledger)).lanes
      expect(first?.volumes).toEqual([])
      expect(second?.volumes).toEqual([
        { ...volume, sha256: '34'.repeat(32) },
        { ...volume, path: '/two-0002.zip', at: 5 },
      ])
    })
  })
}
