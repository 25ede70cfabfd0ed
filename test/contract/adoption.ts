import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/message.js'
import type { OtherCopy, Receipt } from '../../src/ports/target.js'
import { collect } from '../support/collect.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
import { letter, letterDate, message, oddMail } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import type { TargetHarness, TargetPlace } from './target.js'

/** What every target must do so that a lost ledger can be rebuilt from what it holds. */
export function describeAdoption(name: string, harness: TargetHarness, mail = oddMail): void {
  let folder: TemporaryFolder
  let place: TargetPlace
  let ledger: MemoryLedger
  const odd = mail.map(([label, bytes], index) => message(label, bytes, index % 2 ? 7 : undefined))
  const twins = ['one', 'other'].map((key) => message(key, letter('twin')))
  const later = message('later', letter('later'))

  beforeEach(async () => {
    folder = await memoryFolder()
    place = harness.at(folder.path)
    ledger = new MemoryLedger()
  })

  afterEach(async () => {
    await folder[Symbol.asyncDispose]()
  })

  async function others(keys: readonly Message[] = []): Promise<readonly OtherCopy[]> {
    const accounted = { receipts: ledger.receipts(lane), wants: () => true, keys: new Set(keys.map(({ key }) => key)) }
    return collect(place.target().others(lane, await ledger.load(lane), accounted))
  }

  /** Each message takes the first copy that it may stand as: what the engine does. */
  async function pair(messages: readonly Message[]): Promise<readonly (Receipt | undefined)[]> {
    const copies = [...(await others())]
    const receipts: (Receipt | undefined)[] = []
    for (const one of messages) {
      const forms = (await place.target().forms?.(one)) ?? []
      const found = forms.flatMap(({ digest, receipt }) => {
        const copy = copies.find(({ digests }) => digests.includes(digest))
        return copy ? [{ copy, receipt: receipt(copy.where) }] : []
      })[0]
      if (found) copies.splice(copies.indexOf(found.copy), 1)
      receipts.push(found?.receipt)
    }
    return receipts
  }

  describe(`${name}, its ledger lost`, () => {
    it('knows each message again by its form, odd ones and twins, and what others stored is none of them', async () => {
      const all = [...odd, ...twins]
      await place.addForeign(Buffer.from(letter('foreign')))
      await deliver(place.target(), ledger, all)
      ledger = new MemoryLedger()
      expect(await others()).toHaveLength(all.length + 1)
      const receipts = await pair([...all, later, message('third', letter('twin'))])
      expect(receipts.slice(-2)).toEqual([undefined, undefined])
      const found = receipts.filter((one) => one !== undefined)
      expect(found.map(({ key, sha256, size }) => ({ key, sha256, size }))).toEqual(
        all.map(({ key, sha256, size }) => ({ key, sha256, size })),
      )
      await ledger.amend(lane, { found, at: 0 })
      expect(await readBack(place.target(), ledger)).toEqual(all.map(() => 'intact'))
      expect(await others()).toHaveLength(1)
    })

    it('knows messages again that somebody else has brought there', async () => {
      for (const twin of twins) await place.addForeign(Buffer.concat(await collect(twin.open())))
      const found = (await pair(twins)).filter((one) => one !== undefined)
      expect(new Set(found.map(({ where }) => where)).size).toBe(2)
      expect(found.map(({ date }) => date)).toEqual([Date.parse(letterDate), Date.parse(letterDate)])
      await ledger.amend(lane, { found, at: 0 })
      expect(await readBack(place.target(), ledger)).toEqual(['intact', 'intact'])
    })

    it('says of a copy that it is that of a message only where its bytes are those that were stored', async () => {
      await deliver(place.target(), ledger, [...twins, later])
      const [, , last] = await receiptsOf(ledger)
      if (last) await place.alter(last)
      ledger = new MemoryLedger()
      const own = (await others([...twins, later])).flatMap((copy) => (copy.own ? [copy.own] : []))
      for (const { key, sha256, size, date, head } of own) {
        const meant = twins.find((one) => one.key === key)
        expect({ sha256, size, date }).toEqual({
          sha256: meant?.sha256,
          size: meant?.size,
          date: Date.parse(letterDate),
        })
        expect(String(head).startsWith(String(meant?.header))).toBe(true)
      }
      expect(own.every(({ key }) => key !== later.key)).toBe(true)
    })

    it('opens, and stores what is missing behind what is there, whatever a kill leaves', async () => {
      const many = Array.from({ length: 30 }, (_, index) => message(`m${index}`, letter(`number ${index}`)))
      for (const kill of [undefined, 1, 2, 3, 4]) {
        place = harness.at(`${folder.path}/${kill}`)
        ledger = new MemoryLedger()
        await deliver(place.target(), ledger, many)
        const before = await receiptsOf(ledger)
        ledger = new MemoryLedger()
        {
          await using writer = await place.target().open(lane, { ...(await ledger.load(lane)), adopting: true }, signal)
          await ledger.amend(lane, { found: before, position: await writer.commit(), at: 0 })
        }
        const brought = [later, twins[0] ?? later]
        if (kill !== undefined) await deliver(place.target(), ledger, brought, { kill })
        await deliver(place.target(), ledger, brought)
        expect(await place.stored()).toHaveLength(many.length + brought.length)
        expect(await readBack(place.target(), ledger)).toEqual([...many, ...brought].map(() => 'intact'))
      }
    })

    it('does not mind messages that are there already, while its ledger is rebuilt', async () => {
      await deliver(place.target(), ledger, twins)
      ledger = new MemoryLedger()
      await using writer = await place.target().open(lane, { ...(await ledger.load(lane)), adopting: true }, signal)
      await writer.admit(twins)
    })

    it('stores a message anew whose copy was changed, and leaves that as it is', async () => {
      await deliver(place.target(), ledger, [later])
      const [receipt] = await receiptsOf(ledger)
      const before = await place.stored()
      if (receipt) await place.alter(receipt)
      const altered = await place.stored()
      // Where receipts tell no place, the suite cannot change what stands there.
      if (String(altered) === String(before)) return
      ledger = new MemoryLedger()
      expect(await pair([later])).toEqual([undefined])
      {
        await using writer = await place.target().open(lane, { ...(await ledger.load(lane)), adopting: true }, signal)
        const receipts = [await writer.append(later)]
        await ledger.advance(lane, { committed: { receipts, position: await writer.commit(), at: 0 } })
        for await (const { position, moved = [] } of writer.seal?.(true) ?? []) {
          await ledger.advance(lane, { begun: { announced: [], position, at: 0 }, moved })
        }
      }
      const stored = (await place.stored()).map(String)
      expect(stored).toHaveLength(2)
      for (const one of altered) expect(stored).toContain(String(one))
      expect(await readBack(place.target(), ledger)).toEqual(['intact'])
    })
  })

  describe(`${name}, an old ledger put back`, () => {
    /** The ledger as it was after the first messages; more of them have come since. */
    async function putBack(first: number, since: readonly Message[]): Promise<void> {
      const early = Array.from({ length: first }, (_, index) => message(`e${index}`, letter(`early ${index}`)))
      await deliver(place.target(), ledger, early)
      const [receipts, { position }] = [await receiptsOf(ledger), await ledger.load(lane)]
      if (position === undefined) throw new Error('a lane with a past has a position')
      await deliver(place.target(), ledger, since)
      ledger = new MemoryLedger()
      await ledger.advance(lane, { committed: { receipts, position, at: 0 } })
    }

    it.each([2, 30])('stops before anything is stored twice, with %i messages in it (QUIRKS FS-11)', async (first) => {
      await putBack(first, [...twins, later])
      const before = await place.stored()
      for (const offered of [
        [...twins, later],
        [message('new', letter('new')), later],
      ]) {
        await expect(deliver(place.target(), ledger, offered)).rejects.toMatchObject({ code: 'ledger-missing' })
      }
      expect(await place.stored()).toEqual(before)
      const found = (await pair([...twins, later])).filter((one) => one !== undefined)
      expect(found).toHaveLength(3)
    })

    it('finds what was begun when the backup was taken, and committed since', async () => {
      for (const kill of [1, 2]) {
        place = harness.at(`${folder.path}/${kill}`)
        ledger = new MemoryLedger()
        await deliver(place.target(), ledger, [message('early', letter('early'))])
        const brought = [...twins, later]
        await deliver(place.target(), ledger, brought, { kill })
        const [receipts, { position, announced }] = [await receiptsOf(ledger), await ledger.load(lane)]
        if (position === undefined) throw new Error('a lane with a past has a position')
        await deliver(place.target(), ledger, brought)
        ledger = new MemoryLedger()
        await ledger.advance(lane, { committed: { receipts, position, at: 0 }, begun: { announced, position, at: 0 } })
        await deliver(place.target(), ledger, brought)
        expect(await place.stored()).toHaveLength(1 + brought.length)
        expect(await readBack(place.target(), ledger)).toEqual([1, ...brought].map(() => 'intact'))
      }
    })

    // What a server that adds lines holds may all be copies of what was announced, as far as its size tells.
    const grows = name.endsWith('header lines')
    it.skipIf(grows).each([1, 25])(
      'stops before what came behind what was begun when the backup was taken is stored twice, %i before that',
      async (many) => {
        const early = Array.from({ length: many }, (_, index) => message(`early${index}`, letter(`early ${index}`)))
        const rest = [later, message('last', letter('last'))]
        // The run that finds what was begun goes on, or another one comes behind it.
        for (const batches of [[[...twins, ...rest]], [twins, rest]]) {
          for (const kill of [1, 2]) {
            const round = `${batches.length} runs, killed at ${kill}`
            place = harness.at(`${folder.path}/${round}`)
            ledger = new MemoryLedger()
            await deliver(place.target(), ledger, early)
            await deliver(place.target(), ledger, twins, { kill })
            const [receipts, { position, announced }] = [await receiptsOf(ledger), await ledger.load(lane)]
            if (position === undefined) throw new Error('a lane with a past has a position')
            await deliver(place.target(), ledger, twins)
            await deliver(place.target(), ledger, rest)
            const before = await place.stored()
            ledger = new MemoryLedger()
            const at = 0
            await ledger.advance(lane, { committed: { receipts, position, at }, begun: { announced, position, at } })
            for (const batch of batches) {
              await deliver(place.target(), ledger, batch).catch((error: unknown) => {
                expect(error, round).toMatchObject({ code: 'ledger-missing' })
              })
            }
            expect(await place.stored(), round).toHaveLength(before.length)
          }
        }
      },
    )

    it('goes on with what a dead run has begun, although others have brought a copy of one', async () => {
      const many = Array.from({ length: 30 }, (_, index) => message(`m${index}`, letter(`number ${index}`)))
      // Behind the first messages, which are looked for.
      await place.addForeign(Buffer.from(letter('number 25')))
      await deliver(place.target(), ledger, many, { kill: 1 })
      await deliver(place.target(), ledger, many.slice(25), { postponed: many.slice(0, 25) })
      expect(await readBack(place.target(), ledger)).toEqual(Array(5).fill('intact'))
    })

    it('goes on where others have brought mail since', async () => {
      await putBack(30, [])
      await place.addForeign(Buffer.from(letter('foreign')))
      await deliver(place.target(), ledger, [later])
      expect(await readBack(place.target(), ledger)).toEqual(Array(31).fill('intact'))
    })
  })
}
