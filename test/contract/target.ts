import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/message.js'
import type { Receipt, Target } from '../../src/ports/target.js'
import { collect } from '../support/collect.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
import { letter, message, oddMail } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'

/** A kind of target with its settings, and what the suite must know to look at it from outside. */
export interface TargetHarness {
  /** The stored messages keep the order in which they were appended. */
  readonly ordered: boolean
  /** Another writer may not open the place meanwhile. */
  readonly exclusive: boolean
  /** What must be stored for a message of these bytes. */
  form(bytes: Buffer): Buffer
  /** A place in this folder, which is empty and the place's alone. */
  at(folder: string): TargetPlace
}

export interface TargetPlace {
  /** The target as a new run makes it. */
  target(): Target
  /** Whatever is stored there, ours or not, read without the program's own code. */
  stored(): Promise<readonly Buffer[]>
  /** Another program stores a message of these bytes. */
  addForeign(bytes: Buffer): Promise<void>
  /** As if the process had been killed while it wrote this message, the last one. */
  breakOff(receipt: Receipt): Promise<void>
  /** Removes this message, the last one. */
  remove(receipt: Receipt): Promise<void>
  /** Changes an octet of this message's text. */
  alter(receipt: Receipt): Promise<void>
  /** Removes all messages, but not what holds them. */
  empty(): Promise<void>
  /** Removes what holds the messages. */
  destroy(): Promise<void>
}

/** What every target must do. */
export function describeTarget(name: string, harness: TargetHarness): void {
  let folder: TemporaryFolder
  let place: TargetPlace
  let ledger: MemoryLedger
  const batch = [letter('one'), letter('two', 300), letter('two', 300), letter('four')].map((text, index) =>
    message(`key-${index}`, text, index === 2 ? 50 : undefined),
  )
  const earlier = message('earlier', letter('earlier'))
  const foreign = Buffer.from(letter('foreign'))
  /** Every point at which a run over the batch can be killed, with the steps of `deliver`. */
  const kills = Array.from({ length: batch.length + 3 }, (_, index) => index)

  beforeEach(async () => {
    folder = await memoryFolder()
    place = harness.at(folder.path)
    ledger = new MemoryLedger()
  })

  afterEach(async () => {
    await folder[Symbol.asyncDispose]()
  })

  async function bytesOf(messages: readonly Message[]): Promise<readonly Buffer[]> {
    return Promise.all(messages.map(async (one) => Buffer.concat(await collect(one.open()))))
  }

  /** The place holds these messages, each once, and nothing else; the ledger's receipts speak of them. */
  async function expectExactly(messages: readonly Message[], others: readonly Buffer[] = []): Promise<void> {
    const expected = [...others, ...(await bytesOf(messages))].map((bytes) => harness.form(bytes).toString('latin1'))
    const stored = (await place.stored()).map((bytes) => bytes.toString('latin1'))
    if (harness.ordered) expect(stored).toEqual(expected)
    else expect(stored.toSorted()).toEqual(expected.toSorted())
    const receipts = await receiptsOf(ledger)
    expect(receipts.map(({ key }) => key)).toEqual(messages.map(({ key }) => key))
    expect(new Set(receipts.map(({ where }) => where)).size).toBe(messages.length)
    expect(await readBack(place.target(), ledger)).toEqual(messages.map(() => 'intact'))
  }

  describe(`${name} is a target`, () => {
    it.each(oddMail)('stores %s, whole or in parts, and reads it back', async (_, bytes) => {
      const ways = [undefined, bytes.length > 1000 ? 7 : 1, 65_536].map((inParts) =>
        message(`in parts of ${inParts}`, bytes, inParts),
      )
      await deliver(place.target(), ledger, ways)
      await expectExactly(ways)
      const forms = (await receiptsOf(ledger)).map(({ flags, stored, sha256, size }) => ({
        flags,
        stored,
        sha256,
        size,
      }))
      expect(forms).toEqual(forms.map(() => forms[0]))
      expect(forms[0]).toMatchObject({ sha256: ways[0]?.sha256, size: bytes.length })
    })

    it('stores a batch that is appended all at once, and the batches behind it, in order', async () => {
      const many = Array.from({ length: 120 }, (_, index) => message(`m${index}`, letter(`number ${index}`)))
      {
        await using writer = await place.target().open(lane, await ledger.load(lane), signal)
        for (const part of [many.slice(0, 50), many.slice(50, 51), many.slice(51)]) {
          await writer.admit(part)
          const receipts = await Promise.all(part.map(async (one) => writer.append(one)))
          await ledger.advance(lane, { committed: { receipts, position: await writer.commit(), at: 0 } })
        }
        for await (const { position, moved = [] } of writer.seal?.(true) ?? []) {
          await ledger.advance(lane, { begun: { announced: [], position, at: 0 }, moved })
        }
      }
      await expectExactly(many)
    })

    it('stores a message of several MiB', async () => {
      const large = Buffer.from(letter('large', 2 ** 21))
      const both = [message('large', large, 65_536), message('small', letter('small'))]
      await deliver(place.target(), ledger, both)
      await expectExactly(both)
    })

    it('has each message once after a kill at every step (QUIRKS MBX-07, MDR-04, PRC-02)', async () => {
      for (const kill of kills) {
        place = harness.at(`${folder.path}/${kill}`)
        ledger = new MemoryLedger()
        await deliver(place.target(), ledger, [earlier])
        await deliver(place.target(), ledger, batch, { kill })
        await deliver(place.target(), ledger, batch)
        await expectExactly([earlier, ...batch])
      }
    })

    it('has each message once after two kills, in a lane without a past', async () => {
      const twins = batch.slice(1, 3)
      for (const [first, second] of [
        [1, 4],
        [2, 3],
        [3, 2],
        [4, 1],
        [4, 4],
      ]) {
        place = harness.at(`${folder.path}/${first}-${second}`)
        ledger = new MemoryLedger()
        await deliver(place.target(), ledger, twins, { kill: first })
        await deliver(place.target(), ledger, twins, { kill: second })
        await deliver(place.target(), ledger, twins)
        await expectExactly(twins)
      }
    })

    it.each([1, 2, 3, 4])('has each message once after a kill in the middle of number %i', async (count) => {
      await deliver(place.target(), ledger, [earlier])
      await deliver(place.target(), ledger, batch, { kill: 1 })
      const { position = fail() } = await ledger.load(lane)
      const killed = new MemoryLedger()
      await killed.advance(lane, { committed: { receipts: [], position, at: 0 } })
      await deliver(place.target(), killed, batch.slice(0, count), { sealed: false })
      await place.breakOff((await receiptsOf(killed)).at(-1) ?? fail())
      await deliver(place.target(), ledger, batch)
      await expectExactly([earlier, ...batch])
    })

    it('claims what odd messages left, lossy forms included', async () => {
      const odd = oddMail.map(([label, bytes], index) => message(label, bytes, index % 2 ? 5 : undefined))
      await deliver(place.target(), ledger, odd, { kill: odd.length + 2 })
      await deliver(place.target(), ledger, odd)
      await expectExactly(odd)
    })

    it('leaves foreign messages as they are, whatever a kill leaves between them (QUIRKS MBX-08)', async () => {
      await place.addForeign(foreign)
      await deliver(place.target(), ledger, batch.slice(0, 2), { kill: 4 })
      await deliver(place.target(), ledger, batch.slice(0, 2))
      await place.addForeign(foreign)
      await deliver(place.target(), ledger, batch.slice(2))
      const [one, two, three, four] = (await bytesOf(batch)).map((bytes) => harness.form(bytes).toString('latin1'))
      const other = harness.form(foreign).toString('latin1')
      const stored = (await place.stored()).map((bytes) => bytes.toString('latin1'))
      const expected = [other, one, two, other, three, four]
      expect(harness.ordered ? stored : stored.toSorted()).toEqual(harness.ordered ? expected : expected.toSorted())
      expect(await readBack(place.target(), ledger)).toEqual(batch.map(() => 'intact'))
    })

    it('goes on behind foreign messages that came after a kill before anything was written', async () => {
      await deliver(place.target(), ledger, [earlier])
      await deliver(place.target(), ledger, batch, { kill: 1 })
      await place.addForeign(foreign)
      await deliver(place.target(), ledger, batch)
      expect(await place.stored()).toHaveLength(batch.length + 2)
      expect(await readBack(place.target(), ledger)).toEqual([earlier, ...batch].map(() => 'intact'))
    })

    // Two twins and one foreign copy: at least the two must be there.
    it('loses nothing to a foreign copy of the same bytes', async () => {
      await deliver(place.target(), ledger, [earlier])
      await deliver(place.target(), ledger, batch, { kill: 1 })
      const twin = (await bytesOf(batch))[1] ?? fail()
      await place.addForeign(twin)
      await deliver(place.target(), ledger, batch)
      const stored = (await place.stored()).filter((bytes) => bytes.equals(harness.form(twin)))
      expect(stored.length).toBeGreaterThanOrEqual(2)
      expect(await readBack(place.target(), ledger)).toEqual([earlier, ...batch].map(() => 'intact'))
      expect(new Set((await receiptsOf(ledger)).map(({ where }) => where)).size).toBe(batch.length + 1)
    })

    it('goes on without an announced message that the server has no more', async () => {
      for (const gone of batch) {
        place = harness.at(`${folder.path}/${gone.key}`)
        ledger = new MemoryLedger()
        await deliver(place.target(), ledger, batch, { kill: batch.length + 2 })
        const later = [...batch.filter((one) => one !== gone), message('later', letter('later'))]
        await deliver(place.target(), ledger, later)
        // It is there, complete and without a receipt.
        expect(await place.stored()).toHaveLength(batch.length + 1)
        expect(await readBack(place.target(), ledger)).toEqual(later.map(() => 'intact'))
      }
    })

    it('knows the copies again when the server sends other bytes for the same ids (QUIRKS RET-23)', async () => {
      for (const changed of [[0], [1], [3], [0, 1, 2, 3]]) {
        place = harness.at(`${folder.path}/${changed.join('-')}`)
        ledger = new MemoryLedger()
        await deliver(place.target(), ledger, batch, { kill: batch.length + 2 })
        const now = batch.map((one, index) =>
          changed.includes(index) ? message(one.key, letter(`another boundary ${index}`)) : one,
        )
        await deliver(place.target(), ledger, now)
        await expectExactly(batch)
        expect((await receiptsOf(ledger)).map(({ sha256 }) => sha256)).toEqual(batch.map(({ sha256 }) => sha256))
      }
    })

    it('tells what was removed and what was changed', async () => {
      await deliver(place.target(), ledger, batch)
      const receipts = await receiptsOf(ledger)
      await place.alter(receipts[1] ?? fail())
      await place.remove(receipts[3] ?? fail())
      expect(await readBack(place.target(), ledger)).toEqual(['intact', 'altered', 'intact', 'missing'])
      await place.destroy()
      expect(await readBack(place.target(), ledger)).toEqual(batch.map(() => 'missing'))
    })

    it('tells what stands there beside what is accounted for', async () => {
      const others = async (receipts: readonly Receipt[]): Promise<readonly string[]> => {
        const accounted = { receipts: each(receipts), wants: () => true }
        const found = await collect(place.target().others(lane, await ledger.load(lane), accounted))
        const all = [...(await bytesOf([...batch, earlier])), foreign].map((bytes) => bytes.toString('latin1'))
        const names = found.map(({ digests }) => all.find((text) => digests.includes(sha256(text))) ?? 'unknown')
        return names.toSorted()
      }
      const texts = (await bytesOf(batch)).map((bytes) => bytes.toString('latin1'))
      await place.addForeign(foreign)
      await deliver(place.target(), ledger, batch)
      await place.addForeign((await bytesOf(batch))[3] ?? fail())
      const receipts = await receiptsOf(ledger)
      expect(await others(receipts)).toEqual([String(foreign), texts[3]].toSorted())
      expect(await others(receipts.slice(1))).toEqual([String(foreign), texts[0], texts[3]].toSorted())
      expect(await others([])).toEqual([String(foreign), ...texts, texts[3]].toSorted())
      await place.destroy()
      expect(await others(receipts)).toEqual([])
    })

    it.each(['empty', 'destroy'] as const)('stops where its messages are gone: %s (QUIRKS FS-08)', async (way) => {
      await deliver(place.target(), ledger, batch)
      await place[way]()
      await expect(deliver(place.target(), ledger, [earlier])).rejects.toMatchObject({ code: 'target-gone' })
      expect(await readBack(place.target(), ledger)).toEqual(batch.map(() => 'missing'))
    })

    it('starts anew where nothing was ever delivered', async () => {
      await deliver(place.target(), ledger, batch, { kill: 1 })
      await place.destroy()
      await deliver(place.target(), ledger, batch)
      await expectExactly(batch)
    })

    it('notices before it is done that the place has vanished in mid-batch', async () => {
      await using writer = await place.target().open(lane, await ledger.load(lane), signal)
      await writer.append(earlier).then(async () => place.destroy())
      const end = async (): Promise<unknown> => (await writer.commit()) && writer.seal && collect(writer.seal(true))
      await expect(end()).rejects.toMatchObject({ code: 'target-gone' })
    })

    it('stops where the ledger was lost, but not for the messages of others', async () => {
      await place.addForeign(foreign)
      await deliver(place.target(), ledger, batch)
      ledger = new MemoryLedger()
      await expect(deliver(place.target(), ledger, batch)).rejects.toMatchObject({ code: 'ledger-missing' })
      ledger = new MemoryLedger()
      await deliver(place.target(), ledger, [earlier])
      expect(await readBack(place.target(), ledger)).toEqual(['intact'])
    })

    it('stops as often as it is tried where the ledger was lost, and nothing is begun', async () => {
      const many = Array.from({ length: 30 }, (_, index) => message(`m${index}`, letter(`number ${index}`)))
      await deliver(place.target(), ledger, many)
      const before = await place.stored()
      const later = Array.from({ length: 19 }, (_, index) => message(`l${index}`, letter(`later ${index}`)))
      for (const offered of [many, many.slice(10), [...later, ...many]]) {
        ledger = new MemoryLedger()
        for (let run = 0; run < 3; run++) {
          await expect(deliver(place.target(), ledger, offered)).rejects.toMatchObject({ code: 'ledger-missing' })
        }
        expect(await place.stored()).toEqual(before)
        expect(ledger.log).toEqual([])
      }
    })

    it('notices that the ledger was lost in a later batch and in a later run, among its first messages', async () => {
      await deliver(place.target(), ledger, batch)
      ledger = new MemoryLedger()
      await deliver(place.target(), ledger, [earlier])
      const before = await place.stored()
      for (let run = 0; run < 2; run++) {
        await expect(deliver(place.target(), ledger, batch)).rejects.toMatchObject({ code: 'ledger-missing' })
        const { announced, receipts } = await ledger.load(lane)
        expect([announced, receipts]).toEqual([[], 1])
      }
      expect(await place.stored()).toEqual(before)
      await using writer = await place.target().open(lane, await ledger.load(lane), signal)
      await writer.admit([message('new', letter('new'))])
      await expect(writer.admit(batch)).rejects.toMatchObject({ code: 'ledger-missing' })
    })

    it('does not take its own messages for those of a lost ledger', async () => {
      await place.addForeign(foreign)
      for (let run = 0; run < 4; run++) {
        const twin = message(`twin-${run}`, letter('twin'))
        if (run % 2 === 0) await deliver(place.target(), ledger, [twin], { kill: 3 })
        await deliver(place.target(), ledger, [twin])
      }
      expect(await place.stored()).toHaveLength(5)
      expect(await readBack(place.target(), ledger)).toEqual(Array(4).fill('intact'))
    })

    it('has a message once that a dead run left, and that the server withheld for a while', async () => {
      const [extra, later] = [message('extra', letter('extra')), message('later', letter('later'))]
      for (const withheld of [[0], [2], [1, 3], [0, 1, 2, 3]]) {
        for (const kill of [undefined, 2, 9]) {
          place = harness.at(`${folder.path}/${withheld.join('-')}-${kill}`)
          ledger = new MemoryLedger()
          const postponed = batch.filter((_, index) => withheld.includes(index))
          const offered = [...batch.filter((one) => !postponed.includes(one)), later]
          await deliver(place.target(), ledger, [earlier])
          await deliver(place.target(), ledger, batch, { kill: batch.length + 2 })
          if (kill !== undefined) {
            await deliver(place.target(), ledger, offered, { postponed, kill: Math.min(kill, offered.length + 2) })
          }
          await deliver(place.target(), ledger, offered, { postponed })
          await place.addForeign(foreign)
          await deliver(place.target(), ledger, [extra], { postponed })
          await deliver(place.target(), ledger, postponed, { kill: kill === undefined ? 1 : 2 })
          await deliver(place.target(), ledger, postponed)
          const all = await bytesOf([earlier, ...batch, later, extra])
          const expected = [...all, foreign].map((bytes) => harness.form(bytes).toString('latin1'))
          const stored = (await place.stored()).map((bytes) => bytes.toString('latin1'))
          expect(stored.toSorted()).toEqual(expected.toSorted())
          const receipts = await receiptsOf(ledger)
          expect(new Set(receipts.map(({ where }) => where)).size).toBe(all.length)
          expect(await readBack(place.target(), ledger)).toEqual(all.map(() => 'intact'))
        }
      }
    })

    it('goes on beside foreign messages while one that was announced never came', async () => {
      await deliver(place.target(), ledger, batch.slice(0, 1), { kill: 1 })
      await deliver(place.target(), ledger, [earlier], { postponed: batch.slice(0, 1) })
      await place.addForeign(foreign)
      await deliver(place.target(), ledger, batch.slice(3), { postponed: batch.slice(0, 1) })
      await deliver(place.target(), ledger, batch.slice(0, 1), { kill: 2 })
      await deliver(place.target(), ledger, batch.slice(0, 1))
      expect(await place.stored()).toHaveLength(4)
      expect(await readBack(place.target(), ledger)).toEqual(Array(3).fill('intact'))
    })

    it.runIf(harness.exclusive)('is held by one writer at a time (QUIRKS PRC-03)', async () => {
      const writer = await place.target().open(lane, await ledger.load(lane), signal)
      await expect(place.target().open(lane, await ledger.load(lane), signal)).rejects.toMatchObject({ code: 'held' })
      await writer[Symbol.asyncDispose]()
      await deliver(place.target(), ledger, [earlier])
      await expectExactly([earlier])
    })

    it('has one name for every spelling of its place', () => {
      expect(harness.at(`${folder.path}/x/../`).target().place).toBe(place.target().place)
      expect(harness.at(`${folder.path}/x`).target().place).not.toBe(place.target().place)
    })
  })
}

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}

function fail(): never {
  throw new Error('the test set up less than it needs')
}
