import { describe, expect, it } from 'vitest'
import type { Ledger } from '../../src/ports/ledger.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { Kept } from '../../src/ports/quarantine.js'
import type { Announced, Position, Receipt } from '../../src/ports/target.js'

const lane = { account: 'alice', target: 'maildir' }
const enrolment = {
  account: 'alice',
  host: 'pop.example',
  user: 'a',
  lanes: [{ target: 'maildir', place: 'maildir:/a' }],
}

export function receipt(key: string, extra: Partial<Receipt> = {}): Receipt {
  return { key: key as MessageKey, sha256: 'ab'.repeat(32), size: 10, where: `w-${key}`, flags: [], ...extra }
}

function announced(key: string): Announced {
  return { key: key as MessageKey, sha256: 'cd'.repeat(32), size: 1 }
}

function kept(key: string): Kept {
  return { key: key as MessageKey, sha256: 'ef'.repeat(32), size: 7, flags: [], code: 'too-big', error: 'too big' }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export interface LedgerHarness {
  readonly open: () => Promise<Ledger>
}

/** What every ledger must do. `open` opens the same ledger each time it is called within one test. */
export function describeLedger(name: string, harness: () => Promise<LedgerHarness>): void {
  describe(`${name} is a ledger`, () => {
    it('starts empty', async () => {
      await using ledger = await (await harness()).open()
      expect(await ledger.known()).toEqual([])
      expect(await ledger.status()).toEqual([])
      expect(await collect(ledger.delivered(lane))).toEqual([])
    })

    it('remembers what was begun and never committed', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        expect(await ledger.load(lane)).toEqual({ origin: 'alice', position: undefined, announced: [], receipts: 0 })
        const begun = { announced: [announced('a'), announced('b\n2')], position: 'p0' as Position, at: 1 }
        await ledger.advance(lane, { begun })
      }
      await using ledger = await open()
      expect(await ledger.load(lane)).toEqual({
        origin: 'alice',
        position: 'p0',
        announced: [announced('a'), announced('b\n2')],
        begunAt: 1,
        receipts: 0,
      })
    })

    it('forgets the announced with the commit, and keeps the receipts in order', async () => {
      const { open } = await harness()
      const odd = receipt('\x00\xff __proto__ \n2', {
        where: 'w',
        stored: 'ef'.repeat(32),
        flags: ['lossy-form', 'newline-added'],
      })
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        await ledger.advance(lane, { begun: { announced: [announced('z')], position: 'p0' as Position, at: 1 } })
        await ledger.advance(lane, { committed: { receipts: [receipt('z'), odd], position: 'p1' as Position, at: 2 } })
        await ledger.advance(lane, { committed: { receipts: [receipt('a')], position: 'p2' as Position, at: 3 } })
      }
      await using ledger = await open()
      expect(await ledger.load(lane)).toMatchObject({ position: 'p2', announced: [], receipts: 3 })
      expect(await collect(ledger.receipts(lane))).toEqual([receipt('z'), odd, receipt('a')])
      expect((await collect(ledger.delivered(lane))).flat().map(({ key }) => key)).toEqual(['z', odd.key, 'a'])
    })

    it('commits one batch and begins the next in one step', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      await ledger.advance(lane, {
        committed: { receipts: [receipt('a')], position: 'p1' as Position, at: 1 },
        begun: { announced: [announced('b')], position: 'p1' as Position, at: 1 },
      })
      expect(await ledger.load(lane)).toMatchObject({ receipts: 1, announced: [announced('b')] })
    })

    it('notes where a message stands now, and changes nothing else of its receipt', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        const receipts = [receipt('a'), receipt('b')]
        await ledger.advance(lane, { committed: { receipts, position: 'p1' as Position, at: 1 } })
        const moved = [
          { key: receipt('b').key, where: 'elsewhere' },
          { key: receipt('nobody').key, where: 'nowhere' },
        ]
        await ledger.advance(lane, { begun: { announced: [], position: 'p2' as Position, at: 2 }, moved })
      }
      await using ledger = await open()
      expect(await ledger.load(lane)).toMatchObject({ position: 'p2', announced: [], receipts: 2 })
      expect(await collect(ledger.receipts(lane))).toEqual([receipt('a'), { ...receipt('b'), where: 'elsewhere' }])
    })

    it('refuses a second receipt for one message, and keeps nothing of that step', async () => {
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        await ledger.advance(lane, { committed: { receipts: [receipt('a')], position: 'p1' as Position, at: 1 } })
        const twice = { receipts: [receipt('b'), receipt('a')], position: 'p2' as Position, at: 2 }
        await expect(ledger.advance(lane, { committed: twice })).rejects.toThrow()
      }
      await using ledger = await open()
      expect(await ledger.load(lane)).toMatchObject({ position: 'p1', receipts: 1 })
    })

    it('keeps what a lane refused until there is a receipt, for each lane by itself', async () => {
      const { open } = await harness()
      const other = { account: 'alice', target: 'mbox' }
      const odd = { ...kept('\x00\xff\n2'), flags: ['size-mismatch' as const], error: 'No\0, "no"' }
      {
        await using ledger = await open()
        const lanes = [...enrolment.lanes, { target: 'mbox', place: 'mbox:/a' }]
        await ledger.enrol([
          { ...enrolment, lanes },
          { ...enrolment, account: 'bob', user: 'b' },
        ])
        const step = { receipts: [receipt('a')], position: 'p1' as Position, at: 1 }
        await ledger.advance(lane, { committed: { ...step, kept: [kept('b'), odd] } })
        await ledger.advance(other, { committed: { ...step, kept: [kept('b')] } })
      }
      {
        await using ledger = await open()
        expect(await ledger.kept('bob')).toEqual([])
        const all = [
          { ...odd, target: 'maildir', origin: 'alice', error: 'No, "no"' },
          { ...kept('b'), target: 'maildir', origin: 'alice' },
          { ...kept('b'), target: 'mbox', origin: 'alice' },
        ]
        expect(await ledger.kept('alice')).toEqual(all)
        const again = { receipts: [], kept: [{ ...kept('b'), error: 'still' }], position: 'p2' as Position, at: 2 }
        await ledger.advance(lane, { committed: again })
        expect(await ledger.kept('alice')).toMatchObject([all[0], { error: 'still' }, all[2]])
        await ledger.advance(lane, { committed: { receipts: [receipt('b')], position: 'p3' as Position, at: 3 } })
      }
      await using ledger = await open()
      await ledger.enrol([
        {
          ...enrolment,
          account: 'alicia',
          was: 'alice',
          lanes: [{ ...enrolment.lanes[0]!, target: 'new', was: 'maildir' }],
        },
      ])
      const left = (await ledger.kept('alicia')).map(({ key, target, origin }) => [key, target, origin])
      expect(left).toEqual([
        [odd.key, 'new', 'alice'],
        ['b', 'mbox', 'alice'],
      ])
      expect(await ledger.kept('alice')).toEqual([])
    })

    it('lacks what was lost until it is there again, and knows where things stand', async () => {
      const keys = async (receipts: AsyncIterable<Receipt>): Promise<readonly string[]> =>
        (await collect(receipts)).map(({ key, where }) => `${key} ${where}`)
      const { open } = await harness()
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        const receipts = ['a', 'b', '', 'd'].map((key) => receipt(key))
        await ledger.advance(lane, { committed: { receipts, position: 'p1' as Position, at: 1 } })
        const moved = { ...receipt('d'), where: 'elsewhere' }
        const lost = ['a', '', 'never'].map((key) => key as MessageKey)
        await ledger.amend(lane, { lost, found: [moved], position: 'p2' as Position, at: 2 })
      }
      await using ledger = await open()
      expect(await collect(ledger.lost(lane))).toEqual([receipt(''), receipt('a')])
      expect(await ledger.load(lane)).toMatchObject({ receipts: 2, position: 'p2' })
      expect(await keys(ledger.receipts(lane))).toEqual([`b ${receipt('b').where}`, 'd elsewhere'])
      await ledger.advance(lane, { committed: { receipts: [receipt('a')], position: 'p3' as Position, at: 3 } })
      await ledger.amend(lane, { found: [receipt('')], at: 4 })
      expect(await collect(ledger.lost(lane))).toEqual([])
      expect(await ledger.load(lane)).toMatchObject({ receipts: 4, position: 'p3' })
      const [status] = await ledger.status()
      const bytes = 4 * receipt('a').size
      expect(status?.targets[0]).toMatchObject({ messages: 4, bytes })
    })

    it('streams more receipts than fit on a page, each once', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([enrolment])
      const keys = Array.from({ length: 12_001 }, (_, index) => `k${String(index).padStart(6, '0')}`)
      const committed = { receipts: keys.map((key) => receipt(key)), position: 'p' as Position, at: 1 }
      await ledger.advance(lane, { committed })
      const pages = await collect(ledger.delivered(lane))
      expect(pages.length).toBeGreaterThan(1)
      expect(pages.flat().map(({ key }) => key)).toEqual(keys)
      expect((await collect(ledger.receipts(lane))).map(({ key }) => key)).toEqual(keys)
    })

    it('renames accounts and lanes, swaps included, and keeps the first name as the origin', async () => {
      await using ledger = await (await harness()).open()
      const two = [
        { target: 'one', place: '1' },
        { target: 'two', place: '2' },
      ]
      await ledger.enrol([{ ...enrolment, lanes: two }])
      const first = { account: 'alice', target: 'one' }
      await ledger.advance(first, { committed: { receipts: [receipt('a')], position: 'p' as Position, at: 1 } })
      const swapped = [
        { target: 'two', was: 'one', place: '1' },
        { target: 'one', was: 'two', place: '2' },
      ]
      await ledger.enrol([{ ...enrolment, account: 'alicia', was: 'alice', host: 'new.example', lanes: swapped }])
      expect(await ledger.known()).toEqual([
        {
          account: 'alicia',
          host: 'new.example',
          user: 'a',
          lanes: [
            { target: 'two', place: '1', receipts: 1 },
            { target: 'one', place: '2', receipts: 0 },
          ],
        },
      ])
      expect(await ledger.load({ account: 'alicia', target: 'two' })).toMatchObject({ origin: 'alice', receipts: 1 })
    })

    it('lets a lane take the name of one that the plan no longer has', async () => {
      await using ledger = await (await harness()).open()
      await ledger.enrol([
        {
          ...enrolment,
          lanes: [
            { target: 'maildir', place: '1' },
            { target: 'old', place: '2' },
          ],
        },
      ])
      await ledger.enrol([{ ...enrolment, lanes: [{ target: 'maildir', was: 'old', place: '2' }] }])
      const [known] = await ledger.known()
      expect(known?.lanes.find(({ target }) => target === 'maildir')?.place).toBe('2')
      expect(known?.lanes).toHaveLength(2)
    })

    it('remembers what was learnt about a server until the account moves to another one', async () => {
      const { open } = await harness()
      const nothing = { windowed: false, unsettled: false }
      {
        await using ledger = await open()
        expect(await ledger.recall('alice')).toEqual(nothing)
        await ledger.enrol([enrolment, { ...enrolment, account: 'bob' }])
        await ledger.remember('alice', { windowed: true })
        await ledger.remember('alice', { unsettled: true })
        await ledger.enrol([{ ...enrolment, account: 'alicia', was: 'alice' }])
      }
      await using ledger = await open()
      expect(await ledger.recall('alicia')).toEqual({ windowed: true, unsettled: true })
      expect(await ledger.recall('bob')).toEqual(nothing)
      await ledger.remember('alicia', { unsettled: false })
      expect(await ledger.recall('alicia')).toEqual({ windowed: true, unsettled: false })
      await ledger.enrol([{ ...enrolment, account: 'alicia', user: 'recent:a' }])
      expect(await ledger.recall('alicia')).toEqual(nothing)
    })

    it('keeps what is known of ids, the latest finding last, until it is dissolved', async () => {
      const { open } = await harness()
      const key = (text: string): MessageKey => text as MessageKey
      {
        await using ledger = await open()
        await ledger.enrol([enrolment])
        expect(await ledger.listing('alice')).toBeUndefined()
        expect(await collect(ledger.identities('nobody'))).toEqual([])
        const listing = Uint8Array.of(0, 1, 255)
        const identities = [
          { key: key('new\xff\n2'), original: key('old') },
          { key: key('b'), doubt: 'reset' as const },
          { key: key('c'), original: key('d'), doubt: 'shared' as const },
        ]
        await ledger.identify('alice', { listing, identities })
        await ledger.identify('alice', { identities: [{ key: key('b'), original: key('a') }], dissolved: [key('c')] })
      }
      await using ledger = await open()
      expect(Buffer.from((await ledger.listing('alice')) ?? [])).toEqual(Buffer.of(0, 1, 255))
      expect((await collect(ledger.identities('alice'))).flat()).toEqual([
        { key: 'new\xff\n2', original: 'old' },
        { key: 'b', original: 'a' },
      ])
    })

    it('finds messages by their bytes, header, key and UIDL, with the lanes that have them', async () => {
      await using ledger = await (await harness()).open()
      const other = { account: 'alice', target: 'mbox' }
      const stranger = { account: 'bob', target: 'maildir' }
      await ledger.enrol([
        { ...enrolment, lanes: [...enrolment.lanes, { target: 'mbox', place: 'mbox:/a' }] },
        { ...enrolment, account: 'bob', lanes: [{ target: 'maildir', place: 'maildir:/b' }] },
      ])
      const [one, two, three] = ['01', '02', '03'].map((octet) => octet.repeat(32)) as [string, string, string]
      const position = 'p' as Position
      const fingerprint = '0f'.repeat(16)
      const commit = async (where: typeof lane, ...receipts: Receipt[]): Promise<void> =>
        ledger.advance(where, { committed: { receipts, position, at: 1 } })
      await commit(lane, receipt('a', { sha256: one, fingerprint, listed: 12 }), receipt('a\n2', { sha256: two }))
      await commit(other, receipt('a', { sha256: one, fingerprint }), receipt('ab', { sha256: two, fingerprint }))
      await commit(stranger, receipt('a', { sha256: three, fingerprint }))
      const a = { key: 'a', sha256: one, size: 10, fingerprint, targets: ['maildir', 'mbox'] }
      const second = { key: 'a\n2', sha256: two, size: 10, fingerprint: undefined, targets: ['maildir'] }
      const ab = { key: 'ab', sha256: two, size: 10, fingerprint, targets: ['mbox'] }
      expect(await ledger.find('alice', { sha256: two })).toEqual([second, ab])
      expect(await ledger.find('alice', { sha256: three })).toEqual([])
      expect(await ledger.find('alice', { fingerprint })).toEqual([a, ab])
      expect(await ledger.find('alice', { key: a.key as MessageKey })).toEqual([a])
      expect(await ledger.find('alice', { uidl: 'a' })).toEqual([a, second])
      await ledger.identify('alice', { identities: [{ key: 'a\n3' as MessageKey, original: 'ab' as MessageKey }] })
      expect(await ledger.find('alice', { uidl: 'a' })).toEqual([a, second, ab])
      expect((await collect(ledger.delivered(lane))).flat()).toEqual([
        { key: 'a', listed: 12 },
        { key: 'a\n2', listed: 0 },
      ])
    })

    it('records new sizes and what was recognised by its header alone, in all lanes of the account', async () => {
      await using ledger = await (await harness()).open()
      const other = { account: 'alice', target: 'mbox' }
      await ledger.enrol([{ ...enrolment, lanes: [...enrolment.lanes, { target: 'mbox', place: 'mbox:/a' }] }])
      const a = receipt('a', { listed: 5, flags: ['lossy-form'] })
      for (const where of [lane, other]) {
        const committed = { receipts: [a, receipt('b')], position: 'p' as Position, at: 1 }
        await ledger.advance(where, { committed })
      }
      await ledger.identify('alice', { sizes: [{ key: a.key, listed: 7 }], byHeader: [a.key, 'b' as MessageKey] })
      await ledger.identify('alice', { byHeader: [a.key] })
      for (const where of [lane, other]) {
        expect(await collect(ledger.receipts(where))).toEqual([
          { ...a, listed: 7, flags: ['lossy-form', 'reidentified-by-header'] },
          receipt('b', { flags: ['reidentified-by-header'] }),
        ])
      }
    })

    it('counts a source failure only for the lanes that lack the message', async () => {
      await using ledger = await (await harness()).open()
      const lanes = [...enrolment.lanes, { target: 'mbox', place: 'mbox:/a' }]
      await ledger.enrol([{ ...enrolment, lanes }])
      await ledger.startRun('r1', 5)
      await ledger.advance(lane, { committed: { receipts: [receipt('a')], position: 'p' as Position, at: 1 } })
      const failures = [
        { key: 'a' as MessageKey, code: 'retr-refused', error: 'no' },
        { key: 'b' as MessageKey, code: 'retr-refused', error: 'no' },
        { key: 'c' as MessageKey, target: 'mbox', code: 'io', error: 'no' },
      ]
      await ledger.finishAccount('alice', { run: 'r1', at: 7, status: 'incomplete', failures })
      await ledger.finishRun('r1', 8, 3)
      expect(await ledger.status()).toEqual([
        {
          account: 'alice',
          targets: [
            { target: 'maildir', messages: 1, bytes: 10, failed: 1 },
            { target: 'mbox', messages: 0, bytes: 0, failed: 3 },
          ],
          lastRun: { run: 'r1', at: 7, status: 'incomplete' },
        },
      ])
      await ledger.finishAccount('alice', { run: 'r1', at: 9, status: 'ok', failures: [] })
      expect((await ledger.status())[0]?.targets[1]?.failed).toBe(0)
    })
  })
}
