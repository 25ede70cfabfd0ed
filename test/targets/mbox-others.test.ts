import { appendFile, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Writer } from '../../src/ports/target.js'
import { InstantClock } from '../support/clock.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, lane, readBack, signal } from '../support/lane-loop.js'
import { canMount, mountTmpfs, remount } from '../support/machine.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { foreignMessage, mboxTarget, readMbox } from './mbox-place.js'

let folder: TemporaryFolder
let path: string
let ledger: MemoryLedger

beforeEach(async () => {
  folder = await memoryFolder()
  path = join(folder.path, 'mail.mbox')
  ledger = new MemoryLedger()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

const open = async (clock = new InstantClock()): Promise<Writer> =>
  mboxTarget({ path }, { clock }).open(lane, await ledger.load(lane), signal)
const one = message('one', letter('one'))
const two = message('two', letter('two'))
const three = message('three', letter('three'))
const foreign = foreignMessage(Buffer.from(letter('foreign')), { variant: 'mboxrd', newline: 'lf' })

describe('the dotlock of an mbox (QUIRKS MBX-09)', () => {
  it('is held from the first append of a batch to its commit', async () => {
    await using writer = await open()
    const held = async (): Promise<boolean> => stat(`${path}.lock`).then(Boolean, () => false)
    expect(await held()).toBe(false)
    for (const batch of [[one, two], [three]]) {
      await Promise.all(batch.map(async (each) => writer.append(each)))
      expect(JSON.parse(await readFile(`${path}.lock`, 'utf8'))).toMatchObject({ pid: process.pid, run: 'run-1' })
      await writer.commit()
      expect(await held()).toBe(false)
    }
    await writer.append(message('four', letter('four')))
    await writer[Symbol.asyncDispose]()
    expect(await held()).toBe(false)
  })

  it('is waited for', async () => {
    await writeFile(`${path}.lock`, '4711')
    const clock = new InstantClock()
    const wait = clock.sleep.bind(clock)
    clock.sleep = async (ms) => {
      await wait(ms)
      if (clock.slept.length === 3) await rm(`${path}.lock`)
    }
    await using writer = await open(clock)
    await writer.append(one)
    expect(clock.slept).toHaveLength(3)
  })

  it('is left to another program that keeps it: the lane stops for now', async () => {
    await writeFile(`${path}.lock`, '4711')
    await using writer = await open()
    await expect(writer.append(one)).rejects.toMatchObject({ code: 'mbox-locked', transient: true })
    expect(await readFile(`${path}.lock`, 'utf8')).toBe('4711')
    expect((await stat(path)).size).toBe(0)
  })

  it('is taken where nobody has touched it for a quarter of an hour', async () => {
    await writeFile(`${path}.lock`, '4711')
    const then = new Date(new InstantClock().now() - 16 * 60_000)
    await utimes(`${path}.lock`, then, then)
    await using writer = await open()
    await writer.append(one)
    await writer.commit()
    expect(await readMbox(path, 'mboxrd')).toHaveLength(1)
  })
})

describe('other programs at an mbox (QUIRKS MBX-08)', () => {
  it('may append between two batches and between two runs', async () => {
    await using writer = await open()
    for (const each of [one, two]) {
      const receipts = [await writer.append(each)]
      await ledger.advance(lane, { committed: { receipts, position: await writer.commit(), at: 0 } })
      await appendFile(path, foreign)
    }
    await writer[Symbol.asyncDispose]()
    await deliver(mboxTarget({ path }), ledger, [three])
    const subjects = (await readMbox(path, 'mboxrd')).map(({ stored }) => /Subject: (\w+)/.exec(stored.toString())?.[1])
    expect(subjects).toEqual(['one', 'foreign', 'two', 'foreign', 'three'])
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(['intact', 'intact', 'intact'])
  })

  const meddle = {
    'is replaced': async () => {
      await writeFile(`${path}.new`, await readFile(path))
      await rename(`${path}.new`, path)
    },
    'becomes shorter': async () => truncate(path, (await stat(path)).size - 1),
  }
  const removed = async (): Promise<void> => rm(path)

  it.each([
    ...Object.entries(meddle).map(([what, act]) => [what, act, 'mbox-changed'] as const),
    ['is removed', removed, 'target-gone'] as const,
  ])('stop the lane where the file %s, whenever it happens', async (_, act, code) => {
    await deliver(mboxTarget({ path }), ledger, [one])
    {
      await using writer = await open()
      const whole = await readFile(path)
      await act()
      await expect(writer.append(two), 'before the first append').rejects.toMatchObject({ code })
      await writer[Symbol.asyncDispose]()
      await expect(open(), 'between two runs').rejects.toMatchObject({ code })
      await rm(path, { force: true })
      await writeFile(path, whole)
    }
    path = join(folder.path, 'second.mbox')
    ledger = new MemoryLedger()
    await deliver(mboxTarget({ path }), ledger, [one])
    await using writer = await open()
    await writer.append(two)
    await act()
    await expect(writer.commit(), 'before the commit').rejects.toMatchObject({ code })
  })

  it('are never written over, though they disregard the dotlock', async () => {
    await using writer = await open()
    const large = message('large', letter('large', 2 ** 21), 65_536)
    await writer.append(large)
    await appendFile(path, foreign)
    await expect(Promise.all([writer.append(large), writer.commit()])).rejects.toMatchObject({ code: 'mbox-changed' })
    expect((await readFile(path)).includes(foreign)).toBe(true)
  })
})

describe.skipIf(!canMount)('an mbox on a disk of its own (skipped unless root may mount one)', () => {
  let disk: Disposable

  beforeEach(() => {
    disk = mountTmpfs(folder.path, 'size=1m')
  })

  afterEach(() => {
    disk[Symbol.dispose]()
  })

  const large = message('large', letter('large', 2 ** 19))
  const batch = [large, message('more', letter('more', 2 ** 19)), message('most', letter('most', 2 ** 19))]

  it('is cut back to its last commit when the disk is full, and goes on later (QUIRKS MBX-11, FS-01)', async () => {
    await deliver(mboxTarget({ path }), ledger, [one])
    const before = await readFile(path)
    await expect(deliver(mboxTarget({ path }), ledger, batch)).rejects.toMatchObject({ code: 'disk-full' })
    expect(await readFile(path)).toEqual(before)
    remount(folder.path, 'size=4m')
    await deliver(mboxTarget({ path }), ledger, batch)
    expect(await readMbox(path, 'mboxrd')).toHaveLength(4)
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(Array(4).fill('intact'))
  })

  it('takes nothing more, and commits nothing, after a write that failed (QUIRKS FS-03)', async () => {
    await using writer = await open()
    const outcomes = await Promise.allSettled(batch.map(async (each) => writer.append(each)))
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'disk-full' } })
    remount(folder.path, 'size=4m')
    await expect(writer.append(one)).rejects.toMatchObject({ code: 'io' })
    await expect(writer.commit()).rejects.toMatchObject({ code: 'io' })
  })

  it('is not writable on a read-only disk (QUIRKS FS-05)', async () => {
    await deliver(mboxTarget({ path }), ledger, [one])
    remount(folder.path, 'ro')
    await expect(deliver(mboxTarget({ path }), ledger, [two])).rejects.toMatchObject({ code: 'not-writable' })
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(['intact'])
  })
})
