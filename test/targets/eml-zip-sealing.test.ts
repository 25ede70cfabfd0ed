import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/message.js'
import type { Target } from '../../src/ports/target.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { messagesIn, messagesOf, volumes } from '../support/zip.js'
import { emlZipTarget } from './eml-zip-place.js'

let folder: TemporaryFolder
let ledger: MemoryLedger
let archive: string
const earlier = message('earlier', letter('earlier'))
const batch = ['one', 'two', 'two', 'four'].map((text, index) => message(`key-${index}`, letter(text)))

beforeEach(async () => {
  folder = await memoryFolder()
  ledger = new MemoryLedger()
  archive = join(folder.path, 'zips', 'mail.zip')
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

function target(volumeSize = 2 ** 31): Target {
  return emlZipTarget({ path: archive, volumeSize }, { state: join(folder.path, 'state') })
}

/** A run of the engine: what has receipts is not offered again. */
async function run(messages: readonly Message[], kill?: number, volumeSize?: number): Promise<void> {
  const known = new Set((await receiptsOf(ledger)).map(({ key }) => key))
  const missing = messages.filter(({ key }) => !known.has(key))
  await deliver(target(volumeSize), ledger, missing, { kill })
}

async function digests(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const path of await volumes(archive)) found.set(path, sha256(await readFile(path)))
  return found
}

async function expectExactly(messages: readonly Message[]): Promise<void> {
  const stored = (await messagesOf(archive)).map(({ bytes }) => sha256(bytes))
  expect(stored.toSorted()).toEqual(messages.map(({ sha256 }) => sha256).toSorted())
  expect(await readBack(target(), ledger)).toEqual(messages.map(() => 'intact'))
  expect((await readdir(join(archive, '..'))).filter((name) => name.startsWith('.'))).toEqual([])
}

/** The ledger has a record of each volume, also of those that dead runs finished. */
async function expectRecorded(messages: readonly Message[]): Promise<void> {
  const recorded = [...ledger.volumes.values()]
  expect(new Map(recorded.map(({ path, sha256 }) => [path, sha256]))).toEqual(await digests())
  expect(recorded.reduce((sum, volume) => sum + volume.messages, 0)).toBe(messages.length)
  for (const { path, bytes } of recorded) expect(bytes, path).toBe((await stat(path)).size)
}

async function staged(): Promise<readonly string[]> {
  const lanes = await readdir(join(folder.path, 'state', 'staging'))
  return (await Promise.all(lanes.map(async (one) => readdir(join(folder.path, 'state', 'staging', one))))).flat()
}

describe('volumes', () => {
  // Begin, an append each, commit, receipts, and two steps for each position of each volume.
  const steps = (volumes: number): readonly number[] => [...Array(batch.length + 3 + 4 * volumes).keys()]

  it.each([
    ['one for all', 2 ** 31, 1],
    ['one for each message', 1, batch.length],
  ])(
    'are whole and hold each message once after a kill at every step: %s (QUIRKS ZIP-01, ZIP-06)',
    async (_, size, count) => {
      for (const kill of steps(count)) {
        archive = join(folder.path, `zips-${kill}`, 'mail.zip')
        ledger = new MemoryLedger()
        await run([earlier], undefined, size)
        await run(batch, kill, size)
        const before = await digests()
        await run(batch, undefined, size)
        await expectExactly([earlier, ...batch])
        await expectRecorded([earlier, ...batch])
        for (const [path, digest] of before) expect((await digests()).get(path), path).toBe(digest)
        expect(await volumes(archive)).toHaveLength(1 + count)
      }
      expect(await staged()).toEqual([])
    },
  )

  it('hold once what a dead run announced and staged, though the next one takes it up in parts and dies as well', async () => {
    for (const kill of steps(batch.length)) {
      archive = join(folder.path, `zips-${kill}`, 'mail.zip')
      ledger = new MemoryLedger()
      await run([earlier], undefined, 1)
      await run(batch, batch.length + 2, 1)
      // Each of these commits a part, and seals as far as it comes; what was never offered stays announced.
      for (let part = 0; part < 3; part++) {
        const done = new Set((await receiptsOf(ledger)).map(({ key }) => key))
        const [next, ...postponed] = batch.filter(({ key }) => !done.has(key))
        if (next) await deliver(target(1), ledger, [next], { kill, postponed })
      }
      await run(batch, undefined, 1)
      await expectExactly([earlier, ...batch])
      await expectRecorded([earlier, ...batch])
    }
  })

  it('are made of what a dead run left, also where no new message comes', async () => {
    await run(batch, batch.length + 3)
    expect(await readBack(target(), ledger)).toEqual(batch.map(() => 'staged'))
    await run([])
    await expectExactly(batch)
    expect(await staged()).toEqual([])
  })

  it('come into being only with messages', async () => {
    await run(batch)
    const before = await digests()
    await run(batch)
    expect(await digests()).toEqual(before)
    expect(await readdir(join(folder.path, 'zips'))).toEqual(['mail.zip'])
  })

  it('leave foreign files alone and take the next free number', async () => {
    await mkdir(join(folder.path, 'zips'))
    for (const name of ['mail.zip', 'mail-0003.zip']) await writeFile(join(folder.path, 'zips', name), 'not ours')
    for (const one of batch) await run([one])
    const names = ['mail-0002.zip', 'mail-0003.zip', 'mail-0004.zip', 'mail-0005.zip', 'mail-0006.zip', 'mail.zip']
    expect(await readdir(join(folder.path, 'zips'))).toEqual(names)
    for (const name of ['mail.zip', 'mail-0003.zip']) {
      expect(await readFile(join(folder.path, 'zips', name), 'utf8')).toBe('not ours')
    }
    expect(await readBack(target(), ledger)).toEqual(batch.map(() => 'intact'))
  })

  it('take another number where somebody takes the announced one first', async () => {
    const writer = await target().open(lane, await ledger.load(lane), signal)
    await writer.append(earlier)
    await writer.commit()
    const positions: string[] = []
    for await (const { position } of writer.seal!(true)) {
      positions.push(position)
      if (positions.length === 1) await writeFile(archive, 'not ours')
    }
    await writer[Symbol.asyncDispose]()
    expect(positions).toHaveLength(3)
    expect(await readFile(archive, 'utf8')).toBe('not ours')
    expect(await messagesIn(join(folder.path, 'zips', 'mail-0002.zip'))).toHaveLength(1)
  })

  it('never use a number twice, though old volumes were moved away', async () => {
    await run(batch.slice(0, 1))
    await run(batch.slice(1, 2))
    await rm(archive)
    await run(batch.slice(2))
    expect(await readdir(join(folder.path, 'zips'))).toEqual(['mail-0002.zip', 'mail-0003.zip'])
  })

  it('wait for the next run where the signal stops this one', async () => {
    const stop = new AbortController()
    {
      await using writer = await target().open(lane, await ledger.load(lane), stop.signal)
      await writer.append(earlier)
      await ledger.advance(lane, { begun: { announced: [], position: await writer.commit(), at: 0 } })
      stop.abort()
      for await (const { position } of writer.seal!(true)) expect.fail(position)
    }
    expect(await readdir(join(folder.path, 'zips'))).toEqual([])
    expect(await staged()).toHaveLength(1)
  })
})

describe('the staging', () => {
  it('must be there as long as receipts speak of it', async () => {
    await run(batch, batch.length + 3)
    await rm(join(folder.path, 'state'), { recursive: true })
    await expect(run([earlier])).rejects.toMatchObject({ code: 'target-gone' })
    expect(await readBack(target(), ledger)).toEqual(batch.map(() => 'missing'))
  })

  it('tells a damaged message before it becomes a volume (QUIRKS ZIP-07)', async () => {
    await run(batch, batch.length + 3)
    const [one] = await readdir(join(folder.path, 'state', 'staging'))
    const path = join(folder.path, 'state', 'staging', one!, '1.staged')
    const bytes = await readFile(path)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5)
    await writeFile(path, bytes)
    await expect(run([earlier])).rejects.toMatchObject({ code: 'io' })
    expect(await readdir(join(folder.path, 'zips'))).toEqual([])
  })
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
