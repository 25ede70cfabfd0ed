import { appendFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/message.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
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

const small = (key: string, body: string): Message => message(key, `Subject: ${key[0]!}\r\n\r\n${body}`)
const form = { variant: 'mboxrd', newline: 'lf' } as const
const foreign = foreignMessage(Buffer.from(letter('foreign')), form)

/** As if killed when only the first `length` octets had reached the file. */
async function killedAt(length: number, batch: readonly Message[], target = mboxTarget({ path })): Promise<Buffer> {
  await deliver(target, ledger, batch, { kill: batch.length + 2 })
  const whole = await readFile(path)
  await truncate(path, length)
  return whole
}

describe('an mbox after a kill at every octet (QUIRKS MBX-07)', () => {
  const odd = [small('a', 'From x\r\n'), small('b1', 'no end'), small('b2', 'no end'), small('c', 'a\nlf\r\n\r\n')]
  const before = 'From x@y Thu Jan  1 00:00:00 1970\n\nold'

  it.each([
    ['a new file', { variant: 'mboxrd' }, '', 1],
    ['a new file', { variant: 'mboxcl2', newline: 'crlf' }, '', 3],
    ['a foreign file without a final newline', { variant: 'mboxo', newline: 'crlf' }, before, 3],
    ['a foreign file', { variant: 'mboxrd', newline: 'crlf' }, `${before}\n\n`, 3],
  ] as const)('%s, %o: the next run completes it', async (_, settings, old, step) => {
    const target = mboxTarget({ path, ...settings })
    if (old !== '') await writeFile(path, old)
    const whole = await killedAt(0, odd, target)
    const { position, announced } = await ledger.load(lane)
    for (let length = old.length; length <= whole.length; length += length < old.length + 10 ? 1 : step) {
      await writeFile(path, whole.subarray(0, length))
      ledger = new MemoryLedger()
      await ledger.advance(lane, { begun: { announced, position: position!, at: 0 } })
      await deliver(target, ledger, odd)
      expect((await readFile(path)).toString('latin1'), `killed at ${length}`).toBe(whole.toString('latin1'))
      expect(await readBack(target, ledger)).toEqual(odd.map(() => 'intact'))
    }
  })
})

describe('a fragment at the end of an mbox', () => {
  const [one, two] = [message('one', letter('one')), message('two', letter('two'))]
  const later = message('later', letter('later'))
  let committed: number

  beforeEach(async () => {
    await deliver(mboxTarget({ path }), ledger, [message('earlier', letter('earlier'))])
    committed = (await stat(path)).size
  })

  const tail = (offset: number): unknown =>
    expect.objectContaining({
      code: 'mbox-tail',
      message: expect.stringMatching(`${path}.* octet ${offset} `) as string,
    })

  it.each([
    ['a message', foreign],
    ['a blank line and a message', Buffer.concat([Buffer.from('\n\n'), foreign])],
    ['zeros, as some file systems leave', Buffer.alloc(5000)],
    ['no more than line ends', Buffer.from('\n\r\n')],
  ])('stays, and the lane stops, where %s follows it', async (_, follower) => {
    await killedAt(committed + 150, [one])
    await appendFile(path, follower)
    const before = await readFile(path)
    await expect(deliver(mboxTarget({ path }), ledger, [one])).rejects.toEqual(tail(committed))
    expect(await readFile(path)).toEqual(before)
  })

  it('is not what another program appended, however alike it begins (QUIRKS MBX-08)', async () => {
    await deliver(mboxTarget({ path }), ledger, [one], { kill: 1 })
    const alike = foreignMessage(Buffer.from(letter('only the subject differs')), form)
    await appendFile(path, alike.toString().replace(/^From \S+/, 'From ada@harbour.example'))
    await deliver(mboxTarget({ path }), ledger, [one])
    expect(await readMbox(path, 'mboxrd')).toHaveLength(3)
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(['intact', 'intact'])
  })

  it.each([
    ['the server has it no more', later],
    ['it comes with other bytes', message('one', letter('oNe'))],
    ['it comes with another sender', message('one', letter('one').replace('ada', 'bob'))],
  ])('stays, and the lane stops, where %s', async (_, next) => {
    await killedAt(committed + 150, [one])
    const before = await readFile(path)
    await expect(deliver(mboxTarget({ path }), ledger, [next])).rejects.toEqual(tail(committed))
    // Also in the run after that, which has announced another message since.
    await expect(deliver(mboxTarget({ path }), ledger, [later])).rejects.toEqual(tail(committed))
    expect(await readFile(path)).toEqual(before)
  })

  it('is not forgotten once the messages before it are committed', async () => {
    await killedAt(committed + 250, [one, two])
    await deliver(mboxTarget({ path }), ledger, [one])
    expect((await ledger.load(lane)).announced).toEqual([])
    const [, { where } = { where: '' }] = await receiptsOf(ledger)
    const behind = where.split('+').reduce((sum, text) => sum + Number(text), 1)
    await expect(deliver(mboxTarget({ path }), ledger, [later])).rejects.toEqual(tail(behind))
  })

  it('is not cut where another program writes behind it before the lock is held', async () => {
    await killedAt(committed + 150, [one])
    await using writer = await mboxTarget({ path }).open(lane, await ledger.load(lane), signal)
    await appendFile(path, foreign)
    await expect(writer.append(one)).rejects.toEqual(tail(committed))
    expect((await readFile(path)).subarray(-foreign.length)).toEqual(foreign)
  })

  it('may be cut where another message of ours can begin like it', async () => {
    await killedAt(committed + 60, [one, two])
    await deliver(mboxTarget({ path }), ledger, [two])
    expect(await readMbox(path, 'mboxrd')).toHaveLength(2)
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(['intact', 'intact'])
  })
})

describe('what a dead run left and the server withholds', () => {
  const lossy = small('lossy', 'a\nlf\r\n')
  const one = small('one', 'x')
  const two = small('two', 'y')
  const three = small('three', 'z')

  it('is claimed when it comes back, though its digest alone could not tell it', async () => {
    await deliver(mboxTarget({ path }), ledger, [lossy, one], { kill: 4 })
    await deliver(mboxTarget({ path }), ledger, [one, two], { postponed: [lossy] })
    await deliver(mboxTarget({ path }), ledger, [lossy])
    expect(await readMbox(path, 'mboxrd')).toHaveLength(3)
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(Array(3).fill('intact'))
  })

  it('is claimed with the bytes that it had', async () => {
    await deliver(mboxTarget({ path }), ledger, [one], { kill: 3 })
    await deliver(mboxTarget({ path }), ledger, [two], { postponed: [one] })
    await deliver(mboxTarget({ path }), ledger, [small('one', 'other')])
    expect(await readMbox(path, 'mboxrd')).toHaveLength(2)
    expect((await receiptsOf(ledger)).at(-1)?.sha256).toBe(one.sha256)
  })

  it('is not looked for where a later run has written, but for what that run began', async () => {
    await deliver(mboxTarget({ path }), ledger, [one, two], { kill: 1 })
    await deliver(mboxTarget({ path }), ledger, [two], { postponed: [one], kill: 3 })
    await truncate(path, (await stat(path)).size - 3)
    const before = await readFile(path)
    await expect(deliver(mboxTarget({ path }), ledger, [one], { postponed: [two] })).rejects.toMatchObject({
      code: 'mbox-tail',
    })
    expect(await readFile(path)).toEqual(before)
  })

  it('is claimed in the earlier file of a series', async () => {
    const at = (day: string): string => join(folder.path, `${day}.mbox`)
    const series = (day: string) => mboxTarget({ path: at(day) }, { series: join(folder.path, '{date}.mbox') })
    await deliver(series('1'), ledger, [one, two], { kill: 4 })
    await deliver(series('2'), ledger, [three], { postponed: [one, two] })
    await deliver(series('3'), ledger, [small('four', 'x')], { postponed: [one, two] })
    await deliver(series('3'), ledger, [one], { postponed: [two] })
    await rm(at('1'))
    await deliver(series('3'), ledger, [two])
    const wheres = (await receiptsOf(ledger)).map(({ where }) => where.split('/').at(-1))
    expect(wheres).toEqual(['2.mbox', '3.mbox', '1.mbox', '3.mbox'])
    expect(await readBack(series('4'), ledger)).toEqual(['intact', 'intact', 'missing', 'intact'])
  })
})

describe('a tail that is taken up in several batches', () => {
  it('is claimed message by message, over further kills', async () => {
    const batch = ['a', 'b', 'b2', 'c', 'd'].map((key) => small(key, 'x'.repeat(50)))
    const whole = await killedAt(0, batch)
    await writeFile(path, whole.subarray(0, -30))
    for (const [index, one] of batch.entries()) {
      await deliver(mboxTarget({ path }), ledger, [one], { kill: 3, announce: batch.slice(index) })
      await deliver(mboxTarget({ path }), ledger, [one], { announce: batch.slice(index) })
      await ledger.advance(lane, {
        begun: {
          ...(await ledger.load(lane)),
          announced: batch.slice(index + 1),
          position: (await ledger.load(lane)).position!,
          at: 0,
        },
      })
    }
    expect(await readFile(path)).toEqual(whole)
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(batch.map(() => 'intact'))
  })

  it('means nothing in another file that a lane without receipts has moved to', async () => {
    await writeFile(path, Buffer.concat([foreign, foreign, foreign]))
    const batch = [small('a', 'x'), small('b', 'x')]
    await deliver(mboxTarget({ path }), ledger, batch, { kill: 4 })
    path = join(folder.path, 'other.mbox')
    await deliver(mboxTarget({ path }), ledger, batch, { kill: 4 })
    await deliver(mboxTarget({ path }), ledger, batch)
    expect(await readMbox(path, 'mboxrd')).toHaveLength(2)
    await deliver(mboxTarget({ path }), ledger, [small('c', 'x')])
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(['intact', 'intact', 'intact'])
  })
})

describe('a series of mboxes', () => {
  const batch = [small('a', 'x'), small('b', 'x'), small('c', 'x')]
  const at = (run: string): string => join(folder.path, `${run}.mbox`)
  const series = (run: string) => mboxTarget({ path: at(run) }, { series: join(folder.path, '{run}.mbox'), run })

  it('has one place, and says in its receipts which file it is', async () => {
    await deliver(series('1'), ledger, batch.slice(0, 2))
    await deliver(series('2'), ledger, batch.slice(2))
    expect(series('1').place).toBe(series('2').place)
    expect((await receiptsOf(ledger)).map(({ where }) => where.split(' ')[1])).toEqual([at('1'), at('1'), at('2')])
    await rm(at('1'))
    expect(await readBack(series('3'), ledger)).toEqual(['missing', 'missing', 'intact'])
    await deliver(series('3'), ledger, [small('d', 'x')])
    expect(await readMbox(at('3'), 'mboxrd')).toHaveLength(1)
  })

  it.each([0, 1, 60, 100, 150, 1000])('claims or cuts in the file of the killed run: %i octets', async (length) => {
    path = at('1')
    const whole = await killedAt(0, batch, series('1'))
    await writeFile(path, whole.subarray(0, length))
    await deliver(series('2'), ledger, batch)
    const files = await Promise.all(['1', '2'].map(async (run) => readFile(at(run))))
    expect(Buffer.concat(files)).toEqual(whole)
    expect(await readBack(series('3'), ledger)).toEqual(['intact', 'intact', 'intact'])
    for (const run of ['1', '2']) await expect(stat(`${at(run)}.lock`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('does without the file of the killed run', async () => {
    await deliver(series('1'), ledger, batch, { kill: 2 })
    await rm(at('1'))
    await deliver(series('2'), ledger, batch)
    await expect(stat(at('1'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await readBack(series('2'), ledger)).toEqual(['intact', 'intact', 'intact'])
  })
})
