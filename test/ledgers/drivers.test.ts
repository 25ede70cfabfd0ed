import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { type DriverName, openDatabase } from '../../src/ledgers/driver.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Ledger } from '../../src/ports/ledger.js'
import type { Announced, Position } from '../../src/ports/target.js'
import { receipt } from '../contract/ledger.js'
import { systemClock as clock } from '../support/clock.js'
import { temporaryFolder, type TemporaryFolder } from '../support/folder.js'

const run = promisify(execFile)

const drivers = await loadable(['node', 'libsql'])
const missing = (['node', 'libsql'] as const).filter((driver) => !drivers.includes(driver))
const pairs = drivers.flatMap((writer) =>
  drivers.filter((other) => other !== writer).map((reader): [DriverName, DriverName] => [writer, reader]),
)

async function loadable(names: readonly DriverName[]): Promise<readonly DriverName[]> {
  const found = await Promise.all(
    names.map(async (driver) =>
      openDatabase(':memory:', { readOnly: false, driver }).then(
        (database) => {
          database.close()
          return [driver]
        },
        () => [],
      ),
    ),
  )
  return found.flat()
}

let folder: TemporaryFolder

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function fresh(): Promise<string> {
  folder = await temporaryFolder()
  return folder.path
}

const lane = { account: 'a', target: 't' }
const enrolment = { account: 'a', host: 'h', user: 'u', lanes: [{ target: 't', place: 'p' }] }

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe.each(drivers)('the SQLite driver %s', (driver) => {
  it('brings back numbers, texts, blobs and nothing as they went in', async () => {
    const database = await openDatabase(join(await fresh(), 'a.db'), { readOnly: false, driver })
    database.exec('CREATE TABLE t (number INTEGER, words TEXT, bytes BLOB, absent BLOB)')
    const odd = Buffer.from('\x00\xff\n2', 'latin1')
    database.prepare('INSERT INTO t VALUES (?, ?, ?, ?)').run(5_000_000_001, 'ä\u2028🦊', odd, null)
    const [row] = database.prepare('SELECT * FROM t').all()
    expect(row).toMatchObject({ number: 5_000_000_001, words: 'ä\u2028🦊', absent: null })
    expect(row?.['bytes']).toBeInstanceOf(Uint8Array)
    expect(Buffer.from(row?.['bytes'] as Uint8Array).equals(odd)).toBe(true)
    database.close()
  })

  it('lets nothing be written through a connection for reading', async () => {
    const file = join(await fresh(), 'a.db')
    const writer = await openDatabase(file, { readOnly: false, driver })
    writer.exec('CREATE TABLE t (a)')
    writer.close()
    const reader = await openDatabase(file, { readOnly: true, driver })
    expect(() => reader.exec('INSERT INTO t VALUES (1)')).toThrow(/readonly/)
    reader.close()
  })

  it('leaves the runtime its warnings', async () => {
    const emitWarning: unknown = Reflect.get(process, 'emitWarning')
    const open = async () => openDatabase(join(folder.path, 'a.db'), { readOnly: false, driver })
    await fresh()
    for (const database of await Promise.all([open(), open()])) database.close()
    expect(Reflect.get(process, 'emitWarning')).toBe(emitWarning)
  })

  // Closing any descriptor of a file drops all locks that the process has on it (POSIX), also those of SQLite.
  it('keeps the locks of one ledger while another is opened in the same process', async () => {
    const state = await fresh()
    const open = async (readOnly: boolean): Promise<Ledger> => openLedger({ folder: state, readOnly, clock, driver })
    {
      await using ledger = await open(false)
      await ledger.enrol([enrolment])
    }
    // A seal is compared by reading the file, but there is none while somebody works in the ledger.
    await rm(join(state, 'ledger.sha256'))
    const file = join(state, 'ledger.db')
    const holder = await openDatabase(file, { readOnly: false, driver })
    holder.exec('BEGIN IMMEDIATE')
    {
      await using reader = await open(true)
      await reader.status()
    }
    const rival = `
      import Database from 'libsql'
      const database = new Database(${JSON.stringify(file)}, { timeout: 0 })
      try { database.exec('BEGIN IMMEDIATE'); console.log('locks were lost') } catch (error) { console.log(error.code) }`
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', rival])
    expect(stdout.trim()).toBe('SQLITE_BUSY')
    holder.close()
  })

  // libsql does not reset a statement that met a lock, which then keeps the next lock of its connection for ever.
  it('keeps no lock after it had to wait for one', async () => {
    const state = await fresh()
    {
      await using ledger = await openLedger({ folder: state, readOnly: false, clock, driver })
      await ledger.enrol([enrolment])
    }
    const rival = await openDatabase(join(state, 'ledger.db'), { readOnly: false, driver })
    let waits = 0
    const release = async (): Promise<void> => {
      waits++
      rival.exec('ROLLBACK')
    }
    const steps: readonly ((ledger: Ledger) => Promise<unknown>)[] = [
      async (ledger) => ledger.status(),
      async (ledger) => ledger.known(),
      async (ledger) => ledger.load(lane),
      async (ledger) => collect(ledger.delivered(lane)),
      async (ledger) => collect(ledger.receipts(lane)),
    ]
    rival.exec('BEGIN EXCLUSIVE')
    await using ledger = await openLedger({
      folder: state,
      readOnly: true,
      clock: { ...clock, sleep: release },
      driver,
    })
    for (const step of steps) {
      rival.exec('BEGIN EXCLUSIVE')
      await step(ledger)
    }
    rival.exec('BEGIN EXCLUSIVE')
    expect(waits).toBe(1 + steps.length)
    rival.close()
  })
})

describe.runIf(missing.includes('node'))('a runtime without node:sqlite', () => {
  it('says what to do', async () => {
    await fresh()
    const opening = openDatabase(':memory:', { readOnly: false, driver: 'node' })
    await expect(opening).rejects.toMatchObject({
      code: 'state-failed',
      hint: expect.stringContaining('22.13') as string,
    })
  })
})

describe.runIf(pairs.length > 0).each(pairs)('a ledger that %s wrote', (writer, reader) => {
  it(`goes on with ${reader}`, async () => {
    const state = await fresh()
    const open = async (driver: DriverName): Promise<Ledger> =>
      openLedger({ folder: state, readOnly: false, clock, driver })
    const odd = receipt('\x01\xff\n2', { size: 5e9, stored: 'ef'.repeat(32), flags: ['lossy-form'] })
    const announced: readonly Announced[] = [{ key: odd.key, sha256: '0f'.repeat(32), size: 3 }]
    {
      await using ledger = await open(writer)
      await ledger.enrol([enrolment])
      await ledger.advance(lane, {
        committed: { receipts: [receipt('a'), odd], position: 'p1' as Position, at: 1 },
        begun: { announced, position: 'p1' as Position, at: 2 },
      })
    }
    {
      await using ledger = await open(reader)
      expect(await ledger.load(lane)).toEqual({ origin: 'a', position: 'p1', announced, begunAt: 2, receipts: 2 })
      await ledger.advance(lane, { committed: { receipts: [receipt('b')], position: 'p2' as Position, at: 3 } })
    }
    await using ledger = await open(writer)
    expect(await ledger.load(lane)).toMatchObject({ position: 'p2', announced: [], receipts: 3 })
    expect(await collect(ledger.receipts(lane))).toEqual([receipt('a'), odd, receipt('b')])
  })
})
