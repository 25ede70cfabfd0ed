import { describe, expect, it } from 'vitest'
import type { Requested } from '../../src/ports/deletion-book.js'
import type { Ledger } from '../../src/ports/ledger.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { Position } from '../../src/ports/target.js'
import { collect } from '../support/collect.js'
import { type LedgerHarness, receipt } from './ledger.js'

const one = { account: 'alice', target: 'one' }
const two = { account: 'alice', target: 'two' }
const enrolment = {
  account: 'alice',
  host: 'pop.example',
  user: 'a',
  lanes: ['one', 'two'].map((target) => ({ target, place: `maildir:/${target}` })),
}

function keys(...names: string[]): MessageKey[] {
  return names as MessageKey[]
}

function asked(...names: string[]): Pick<Requested, 'key' | 'listed'>[] {
  return keys(...names).map((key) => ({ key, listed: key }))
}

async function deliver(ledger: Ledger, lane: typeof one, at: number, ...receipts: ReturnType<typeof receipt>[]) {
  await ledger.advance(lane, { committed: { receipts, position: 'p' as Position, at } })
}

async function unproven(ledger: Ledger, lane = one): Promise<readonly string[]> {
  return (await collect(ledger.deletions.unproven(lane))).map(({ key }) => key)
}

/** The part of every ledger that has a say in deletions. */
export function describeDeletions(name: string, harness: () => Promise<LedgerHarness>): void {
  describe(`${name} knows what may be deleted`, () => {
    it('what was read back, each once, the doubted ones until they are found', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        await deliver(ledger, one, 1, receipt('a'), receipt('b'), receipt('c'))
        expect(await unproven(ledger)).toEqual(['a', 'b', 'c'])
        await ledger.deletions.prove(one, { proven: keys('a'), doubted: keys('b') })
        expect(await unproven(ledger)).toEqual(['b', 'c'])
      }
      await using ledger = await open()
      await ledger.deletions.prove(one, { proven: keys('c'), doubted: keys('b') })
      await deliver(ledger, one, 1, receipt('d'))
      expect(await unproven(ledger)).toEqual(['b', 'd'])
      await ledger.deletions.prove(one, { proven: keys('b', 'd'), doubted: [] })
      expect(await unproven(ledger)).toEqual([])
      expect(await unproven(ledger, two)).toEqual([])
    })

    it('only what every lane has had long enough, proven, and not in doubt', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const bad = [
        receipt('short', { flags: ['size-mismatch'] }),
        receipt('alike', { flags: ['reidentified-by-header'] }),
      ]
      const harmless = receipt('dated', { flags: ['date-missing'] })
      const all = [receipt('a'), receipt('doubted'), ...bad, harmless]
      await deliver(ledger, one, 10, ...all, receipt('only one'))
      await deliver(ledger, two, 20, ...all)
      await deliver(ledger, two, 30, receipt('late'))
      await deliver(ledger, one, 30, receipt('late'), receipt('unread'))
      const lanes = [one, two]
      const wanted = keys('a', 'doubted', 'short', 'alike', 'dated', 'only one', 'late', 'unread', 'unknown')
      expect(await ledger.deletions.deletable(lanes, { since: 0, until: 100 }, wanted)).toEqual([])
      const proven = keys('a', 'doubted', 'short', 'alike', 'dated', 'only one', 'late')
      await ledger.deletions.prove(one, { proven, doubted: [] })
      expect(await ledger.deletions.deletable(lanes, { since: 0, until: 100 }, wanted)).toEqual([])
      await ledger.deletions.prove(two, {
        proven: keys('a', 'short', 'alike', 'dated', 'late'),
        doubted: keys('doubted'),
      })
      expect(await ledger.deletions.deletable(lanes, { since: 0, until: 100 }, wanted)).toEqual(['a', 'dated', 'late'])
      expect(await ledger.deletions.deletable(lanes, { since: 0, until: 29 }, wanted)).toEqual(['a', 'dated'])
      expect(await ledger.deletions.deletable(lanes, { since: 0, until: 19 }, wanted)).toEqual([])
      expect(await ledger.deletions.deletable([one], { since: 0, until: 10 }, wanted)).toEqual([
        'a',
        'doubted',
        'dated',
        'only one',
      ])
      expect(await ledger.deletions.deletable([], { since: 0, until: 100 }, wanted)).toEqual([])
      expect(
        await ledger.deletions.deletable([one, { account: 'alice', target: 'new' }], { since: 0, until: 100 }, wanted),
      ).toEqual([])
    })

    it('nothing that was lost, before its new copy was read back as well', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        await deliver(ledger, one, 1, receipt('a'), receipt('b'))
        await ledger.deletions.prove(one, { proven: keys('a', 'b'), doubted: [] })
        const moved = { ...receipt('a'), where: 'elsewhere' }
        await ledger.amend(one, { lost: keys('b'), found: [moved], at: 2 })
        expect(await ledger.deletions.deletable([one], { since: 0, until: 100 }, keys('a', 'b'))).toEqual(['a'])
      }
      await using ledger = await open()
      await deliver(ledger, one, 3, receipt('b'))
      expect(await ledger.deletions.deletable([one], { since: 0, until: 100 }, keys('a', 'b'))).toEqual(['a'])
      expect(await unproven(ledger)).toEqual(['b'])
      await ledger.deletions.prove(one, { proven: keys('b'), doubted: [] })
      expect(await ledger.deletions.deletable([one], { since: 0, until: 100 }, keys('a', 'b'))).toEqual(['a', 'b'])
    })

    it('a doubted copy that is stored anew is read in its turn, not before those stored earlier', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      await deliver(ledger, one, 1, receipt('a'), receipt('b'))
      await ledger.deletions.prove(one, { proven: keys('a'), doubted: keys('b') })
      await ledger.amend(one, { lost: keys('b'), at: 2 })
      await deliver(ledger, one, 3, receipt('c'), receipt('d'), receipt('b'))
      expect(await unproven(ledger)).toEqual(['c', 'd', 'b'])
      await ledger.deletions.prove(one, { proven: keys('c', 'd', 'b'), doubted: [] })
      await ledger.deletions.doubt(one, keys('a', 'unknown'))
      expect(await unproven(ledger)).toEqual(['a'])
      expect(await ledger.deletions.deletable([one], { since: 0, until: 9 }, keys('a', 'b'))).toEqual(['b'])
    })

    it('nothing that was copied before the account moved to another server', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      await ledger.remember('alice', { sizesWrong: true })
      await deliver(ledger, one, 5, receipt('a'))
      await ledger.deletions.request('alice', asked('a'), 6)
      await ledger.enrol([{ ...enrolment, host: 'pop.new.example' }])
      expect(await ledger.recall('alice')).toEqual({ windowed: false, unsettled: false, sizesWrong: true, movedAt: 5 })
      expect((await collect(ledger.deletions.requested('alice'))).flat()).toMatchObject([{ state: 'kept' }])
      await deliver(ledger, one, 7, receipt('b'))
      await ledger.deletions.prove(one, { proven: keys('a', 'b'), doubted: [] })
      expect(await ledger.deletions.deletable([one], { since: 5, until: 9 }, keys('a', 'b'))).toEqual(['b'])
    })

    it('more of them than fit on a page', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const names = Array.from({ length: 2500 }, (_, index) => `m${String(index).padStart(4, '0')}`)
      await deliver(ledger, one, 1, ...names.map((key) => receipt(key)))
      expect(await unproven(ledger)).toEqual(names)
      await ledger.deletions.prove(one, { proven: keys(...names), doubted: [] })
      expect(await ledger.deletions.deletable([one], { since: 0, until: 1 }, keys(...names))).toEqual(names)
      await ledger.deletions.request('alice', asked(...names), 2)
      expect((await collect(ledger.deletions.requested('alice'))).flat()).toHaveLength(2500)
    })

    it('what was asked for, until it is confirmed and after', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        await ledger.deletions.request(
          'alice',
          [...asked('a'), { key: 'b' as MessageKey, listed: 'new b' as MessageKey }],
          1,
        )
        await ledger.deletions.settle('alice', keys('a', 'unknown'), 'gone')
      }
      await using ledger = await open()
      expect((await collect(ledger.deletions.requested('alice'))).flat()).toEqual([
        { key: 'a', listed: 'a', state: 'gone' },
        { key: 'b', listed: 'new b', state: 'open' },
      ])
      // It came back, and was deleted again.
      await ledger.deletions.request('alice', asked('a'), 2)
      expect((await collect(ledger.deletions.requested('alice'))).flat()).toContainEqual({
        key: 'a',
        listed: 'a',
        state: 'open',
      })
      expect((await collect(ledger.deletions.requested('stranger'))).flat()).toEqual([])
    })

    it('a deleted message is not found by its bytes any more', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const sha256 = '12'.repeat(32)
      await deliver(ledger, one, 1, receipt('a', { sha256 }), receipt('b', { sha256 }))
      await ledger.deletions.request('alice', asked('a', 'b'), 1)
      await ledger.deletions.settle('alice', keys('a'), 'gone')
      expect((await ledger.find('alice', { sha256 })).map(({ key }) => key)).toEqual(['b'])
    })
  })
}
