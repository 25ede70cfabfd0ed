import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Ledger } from '../../src/ports/ledger.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { Position } from '../../src/ports/target.js'
import { receipt } from '../contract/ledger.js'
import { systemClock as clock } from '../support/clock.js'
import { temporaryFolder, type TemporaryFolder } from '../support/folder.js'

let folder: TemporaryFolder

beforeEach(async () => {
  folder = await temporaryFolder()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

const open = async (readOnly = false, name = 'state'): Promise<Ledger> =>
  openLedger({ folder: join(folder.path, name), readOnly, clock })

const lane = { account: 'a', target: 't' }
const enrolment = { account: 'a', host: 'h', user: 'u', lanes: [{ target: 't', place: 'p' }] }

describe('a ledger in odd circumstances', () => {
  // Taken for a new ledger, it would let everything be copied a second time.
  it.each([
    ['empty', ''],
    ['a byte long', 'x'],
    ['a cut header', 'SQLite format 3\0'],
    ['zeros', '\0'.repeat(4096)],
  ])('refuses a file that is %s (QUIRKS FS-11)', async (_, content) => {
    await mkdir(join(folder.path, 'state'))
    await writeFile(join(folder.path, 'state', 'ledger.db'), content)
    await expect(open()).rejects.toMatchObject({ code: 'ledger-damaged' })
    await expect(open(true)).rejects.toMatchObject({ code: 'ledger-damaged' })
  })

  it('refuses a change where it was opened for reading, on disk or not there at all', async () => {
    {
      await using empty = await open(true)
      await expect(empty.enrol([enrolment])).rejects.toThrow()
    }
    {
      await using ledger = await open()
      await ledger.enrol([enrolment])
    }
    const before = await readFile(join(folder.path, 'state', 'ledger.db'))
    {
      await using reader = await open(true)
      await expect(reader.startRun('r', 1)).rejects.toThrow()
      await expect(reader.advance(lane, {})).rejects.toThrow()
    }
    expect((await readFile(join(folder.path, 'state', 'ledger.db'))).equals(before)).toBe(true)
  })

  it('works in a folder whose name has a meaning in URLs', async () => {
    const name = 'a ?mode=memory&%23#é'
    {
      await using ledger = await open(false, name)
      await ledger.enrol([enrolment])
    }
    await using ledger = await open(true, name)
    expect(await ledger.known()).toHaveLength(1)
  })

  // Both would make the same file names from the same keys, and claim each other's files.
  it('gives a new account no origin that a renamed one has', async () => {
    await using ledger = await open()
    await ledger.enrol([enrolment])
    await ledger.enrol([
      { ...enrolment, account: 'b', was: 'a' },
      { ...enrolment, host: 'other', user: 'other' },
    ])
    const origins = [await ledger.load({ account: 'b', target: 't' }), await ledger.load(lane)].map(
      ({ origin }) => origin,
    )
    expect(origins[0]).toBe('a')
    expect(origins[1]).not.toBe('a')
  })

  it('swaps the names of two accounts, with their lanes and receipts', async () => {
    await using ledger = await open()
    await ledger.enrol([enrolment, { ...enrolment, account: 'b', host: 'h2' }])
    await ledger.advance(lane, { committed: { receipts: [receipt('k')], position: 'p' as Position, at: 1 } })
    await ledger.enrol([
      { ...enrolment, account: 'b', was: 'a' },
      { ...enrolment, account: 'a', was: 'b', host: 'h2' },
    ])
    const counts = (await ledger.known()).map(({ account, host, lanes }) => [account, host, lanes[0]?.receipts])
    expect(counts.sort()).toEqual([
      ['a', 'h2', 0],
      ['b', 'h', 1],
    ])
    // The names of the lanes mean the other ones at once, also for a ledger that has used them before.
    await ledger.advance(lane, { committed: { receipts: [receipt('k')], position: 'q' as Position, at: 2 } })
    expect(await ledger.load(lane)).toMatchObject({ origin: 'b', position: 'q', receipts: 1 })
  })

  it('goes on after a call that could not succeed', async () => {
    await using ledger = await open()
    await ledger.enrol([enrolment])
    const summary = { run: 'r', at: 1, status: 'ok', failures: [] } as const
    await expect(ledger.finishAccount('nobody', summary)).rejects.toThrow('nobody')
    await ledger.finishAccount('a', summary)
    expect((await ledger.status())[0]?.lastRun?.run).toBe('r')
  })

  it('counts a message once that failed at the source and at the target', async () => {
    await using ledger = await open()
    await ledger.enrol([enrolment])
    const failure = { key: 'k' as MessageKey, code: 'io', error: 'no' }
    const failures = [failure, { ...failure, target: 't' }]
    await ledger.finishAccount('a', { run: 'r', at: 1, status: 'incomplete', failures })
    expect((await ledger.status())[0]?.targets[0]?.failed).toBe(1)
  })

  it('may be closed twice', async () => {
    const ledger = await open()
    await ledger[Symbol.asyncDispose]()
    await ledger[Symbol.asyncDispose]()
  })

  it('keeps sizes and sums beyond 32 bits', async () => {
    await using ledger = await open()
    await ledger.enrol([enrolment])
    const receipts = ['1', '2', '3'].map((key) => receipt(key, { size: 5e9 }))
    await ledger.advance(lane, { committed: { receipts, position: 'p' as Position, at: Date.UTC(2026, 0, 1) } })
    expect((await ledger.status())[0]?.targets[0]?.bytes).toBe(15e9)
  })
})
