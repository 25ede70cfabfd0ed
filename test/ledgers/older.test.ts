import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../src/ledgers/driver.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Ledger } from '../../src/ports/ledger.js'
import type { Position } from '../../src/ports/target.js'
import { receipt } from '../contract/ledger.js'
import { systemClock as clock } from '../support/clock.js'
import { collect } from '../support/collect.js'
import { temporaryFolder, type TemporaryFolder } from '../support/folder.js'

let folder: TemporaryFolder

/** Version 1, written down when it was the newest. */
const version1 = new URL('../../fixtures/ledger/version-1.sql', import.meta.url)

beforeEach(async () => {
  folder = await temporaryFolder()
  await writeOld()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function writeOld(): Promise<void> {
  await using database = await opened('ledger.db')
  database.exec(await readFile(version1, 'utf8'))
}

async function opened(name: string): Promise<Database & AsyncDisposable> {
  const database = await openDatabase(join(folder.path, name), { readOnly: false })
  return Object.assign(database, { [Symbol.asyncDispose]: async () => void database.close() })
}

const open = async (readOnly = false): Promise<Ledger> => openLedger({ folder: folder.path, readOnly, clock })
const bytesOf = async (name: string): Promise<Buffer> => readFile(join(folder.path, name))
const lane = { account: 'alice', target: 'maildir' }

/** Everything that a ledger can tell. */
async function told(ledger: Ledger): Promise<unknown> {
  const record = await ledger.records.account('alice')
  return {
    known: await ledger.known(),
    status: await ledger.status(),
    receipts: await collect(ledger.receipts(lane)),
    lost: await collect(ledger.lost({ ...lane, target: 'eml-zip' })),
    kept: await ledger.kept('alice'),
    runs: await ledger.records.runs(),
    record,
    copies: record && (await collect(ledger.records.copies(record))),
    uncopied: record && (await collect(ledger.records.uncopied(record, ['maildir', 'eml-zip']))),
  }
}

describe('a ledger of version 1', () => {
  it('is read as it is, and left as it is', async () => {
    const before = await bytesOf('ledger.db')
    {
      await using ledger = await open(true)
      expect(await told(ledger)).toMatchObject({
        status: [
          {
            targets: [
              { messages: 2, failed: 2 },
              { messages: 1, failed: 1 },
            ],
          },
        ],
        receipts: [
          { key: 'a', where: 'w-a' },
          { key: 'b', flags: ['date-missing'] },
        ],
        lost: [{ key: 'l' }],
        runs: { count: 1, last: { run: 'r1', exitCode: 3 } },
        record: { origin: 'alicia', last: { code: 'timeout' }, lanes: [{ volumes: [] }, { lost: 1 }] },
        copies: [[{ at: 1_700_000_000_000, first: true }, { first: true }], [{ first: false }]],
        uncopied: [
          [
            { key: 'f', state: 'failed', arrived: false, reasons: [{ code: 'retr-refused', error: '-ERR' }] },
            { key: 'q', size: 8, arrived: false, kept: { key: 'q', sha256: '00'.repeat(32) } },
          ],
        ],
      })
      expect((await ledger.records.account('alice'))?.outcome).toBeUndefined()
      await expect(ledger.startRun('r2', 1)).rejects.toThrow()
    }
    expect((await bytesOf('ledger.db')).equals(before)).toBe(true)
    expect(await readdir(folder.path)).toEqual(['ledger.db'])
  })

  it('is brought to the present version by whoever works with it, and a copy of it is kept', async () => {
    const before = await bytesOf('ledger.db')
    const looked = await (async () => {
      await using ledger = await open(true)
      return await told(ledger)
    })()
    {
      await using ledger = await open()
      expect(await told(ledger)).toEqual(looked)
      const receipts = [receipt('new', { date: 1_000_000_000_000 })]
      await ledger.advance(lane, { committed: { receipts, position: 'p' as Position, at: 5 } })
    }
    await using ledger = await open(true)
    expect((await collect(ledger.receipts(lane))).map(({ date }) => date)).toEqual([
      undefined,
      undefined,
      1_000_000_000_000,
    ])
    expect((await bytesOf('ledger.db.version-1')).equals(before)).toBe(true)
    expect((await readdir(folder.path)).filter((name) => !name.endsWith('-journal'))).toEqual([
      'ledger.db',
      'ledger.db.version-1',
      'ledger.sha256',
    ])
  })

  it('has the shape of a new one then', async () => {
    await using fresh = await temporaryFolder()
    for (const path of [folder.path, fresh.path]) {
      const ledger = await openLedger({ folder: path, readOnly: false, clock })
      await ledger[Symbol.asyncDispose]()
    }
    const shape = async (path: string): Promise<unknown> => {
      const database = await openDatabase(join(path, 'ledger.db'), { readOnly: false })
      const all = (sql: string): readonly object[] => database.prepare(sql).all()
      const names = all("SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
      const tables = names.map((row) => (row as { readonly name: string }).name)
      const columns = tables.map((name) => [
        name,
        all(`SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info('${name}') ORDER BY name`),
        all(`SELECT name FROM pragma_index_info('${name}') ORDER BY seqno`),
      ])
      const version = all('PRAGMA user_version')
      database.close()
      return { names, columns, version }
    }
    expect(await shape(folder.path)).toEqual(await shape(fresh.path))
  })

  it.each([
    ['while the copy was made', { 'ledger.db.version-1.new': 'half' }],
    ['after the copy was made', { 'ledger.db.version-1': 'an earlier copy' }],
  ])('is brought to the present version also where that was interrupted %s', async (_, left) => {
    const before = await bytesOf('ledger.db')
    for (const [name, text] of Object.entries(left)) await writeFile(join(folder.path, name), text)
    {
      await using ledger = await open()
      expect(await ledger.load(lane)).toMatchObject({ receipts: 2 })
    }
    expect((await bytesOf('ledger.db.version-1')).equals(before)).toBe(true)
  })

  it('stays what it is where the change fails in the middle', async () => {
    {
      // The second of the new tables is in the way.
      await using database = await opened('ledger.db')
      database.exec('CREATE TABLE volumes (x)')
    }
    const before = await bytesOf('ledger.db')
    await expect(open()).rejects.toMatchObject({ code: 'state-failed' })
    expect((await bytesOf('ledger.db')).equals(before)).toBe(true)
  })
})
