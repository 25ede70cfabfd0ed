import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/ledgers/driver.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Ledger } from '../../src/ports/ledger.js'
import type { Position } from '../../src/ports/target.js'
import { describeLedger, receipt } from '../contract/ledger.js'
import { describeDeletions } from '../contract/ledger-deletions.js'
import { describeRecords } from '../contract/ledger-records.js'
import { systemClock as clock } from '../support/clock.js'
import { temporaryFolder, type TemporaryFolder } from '../support/folder.js'

const folders: TemporaryFolder[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await folder[Symbol.asyncDispose]()
})

async function stateFolder(): Promise<string> {
  const folder = await temporaryFolder()
  folders.push(folder)
  return join(folder.path, 'state')
}

const open = async (folder: string, readOnly = false): Promise<Ledger> => openLedger({ folder, readOnly, clock })

for (const suite of [describeLedger, describeDeletions, describeRecords]) {
  suite('the SQLite ledger', async () => {
    const folder = await stateFolder()
    return { open: async () => open(folder) }
  })
}

async function oneReceipt(folder: string): Promise<void> {
  await using ledger = await open(folder)
  await ledger.enrol([{ account: 'a', host: 'h', user: 'u', lanes: [{ target: 't', place: 'p' }] }])
  const committed = { receipts: [receipt('k')], position: 'p' as Position, at: 1 }
  await ledger.advance({ account: 'a', target: 't' }, { committed })
}

describe('the ledger on disk', () => {
  it('is private whatever the umask (QUIRKS FS-10, SEC-04)', async () => {
    const umask = process.umask(0)
    const folder = await stateFolder()
    await oneReceipt(folder).finally(() => process.umask(umask))
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600)
  })

  it('creates nothing when it is only looked at', async () => {
    const folder = await stateFolder()
    await using ledger = await open(folder, true)
    expect(await ledger.known()).toEqual([])
    await expect(stat(folder)).rejects.toThrow('ENOENT')
  })

  it('changes nothing when it is only looked at', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    const before = await readFile(join(folder, 'ledger.db'))
    {
      await using ledger = await open(folder, true)
      expect((await ledger.status())[0]?.targets[0]?.messages).toBe(1)
    }
    expect((await readFile(join(folder, 'ledger.db'))).equals(before)).toBe(true)
  })

  it.each([
    ['garbage', async (file: string) => writeFile(file, 'x'.repeat(5000))],
    ['cut in half', async (file: string) => truncate(file, Math.floor((await stat(file)).size / 2))],
    ['overwritten inside', async (file: string) => writeFile(file, Buffer.alloc(12_288, 0x5a), { flag: 'r+' })],
  ])('refuses a damaged file: %s (QUIRKS FS-11)', async (_, damage) => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    await damage(join(folder, 'ledger.db'))
    await expect(open(folder)).rejects.toMatchObject({ code: 'ledger-damaged' })
  })

  it('refuses a page that was overwritten in the middle (QUIRKS FS-11)', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    const file = join(folder, 'ledger.db')
    const bytes = await readFile(file)
    bytes.fill(0x5a, 4096 * 2, 4096 * 2 + 2000)
    await writeFile(file, bytes)
    await expect(open(folder)).rejects.toMatchObject({ code: 'ledger-damaged' })
  })

  it('refuses a ledger that has changed since the last run has left it, by whatever byte (QUIRKS FS-11)', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    const file = join(folder, 'ledger.db')
    const bytes = await readFile(file)
    const at = bytes.indexOf('sha256')
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await writeFile(file, bytes)
    const seal = join(folder, 'ledger.sha256')
    const hint = expect.stringContaining(`remove ${seal}`) as string
    for (const readOnly of [false, true, false]) {
      await expect(open(folder, readOnly)).rejects.toMatchObject({ code: 'ledger-damaged', hint })
    }
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await writeFile(file, bytes)
    await using ledger = await open(folder)
    // While somebody works in it there is none: a run that is killed leaves nothing that could not be true.
    await expect(stat(seal)).rejects.toThrow('ENOENT')
    expect((await ledger.status())[0]?.targets[0]?.messages).toBe(1)
  })

  it('is not sealed where it was found damaged while somebody worked in it (QUIRKS FS-11)', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    const file = join(folder, 'ledger.db')
    {
      await using ledger = await open(folder)
      const bytes = await readFile(file)
      bytes.fill(0x5a, 4096, bytes.length)
      await writeFile(file, bytes)
      // What the open connection has in its cache it need not read.
      const rival = await openDatabase(file, { readOnly: false })
      rival.exec('PRAGMA user_version = 2')
      rival.close()
      await expect(ledger.status()).rejects.toMatchObject({ code: 'ledger-damaged' })
    }
    await expect(stat(join(folder, 'ledger.sha256'))).rejects.toThrow('ENOENT')
  })

  it('leaves a digest that sha256sum understands, and does without one', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    const seal = join(folder, 'ledger.sha256')
    const digest = createHash('sha256')
      .update(await readFile(join(folder, 'ledger.db')))
      .digest('hex')
    expect(await readFile(seal, 'utf8')).toBe(`${digest}  ledger.db\n`)
    await rm(seal)
    await mkdir(`${seal}.new`)
    // It cannot be written here.
    await (await open(folder))[Symbol.asyncDispose]()
    await expect(stat(seal)).rejects.toThrow('ENOENT')
    await using ledger = await open(folder)
    expect((await ledger.status())[0]?.targets[0]?.messages).toBe(1)
  })

  it('refuses a database that is not a ledger, and one of a newer version (QUIRKS PRC-12)', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    const database = await openDatabase(join(folder, 'ledger.db'), { readOnly: false })
    // As whoever works in it does.
    await rm(join(folder, 'ledger.sha256'))
    database.exec('PRAGMA user_version = 999')
    await expect(open(folder)).rejects.toMatchObject({ code: 'ledger-newer' })
    database.exec('PRAGMA user_version = 1; PRAGMA application_id = 7')
    await expect(open(folder)).rejects.toMatchObject({ code: 'ledger-damaged' })
    database.close()
  })

  it('waits for a reader and then goes on', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    const reader = await openDatabase(join(folder, 'ledger.db'), { readOnly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT * FROM receipts').all()
    await using ledger = await open(folder)
    let done = false
    const writing = ledger.startRun('r', 1).then(() => {
      done = true
    })
    await clock.sleep(50)
    expect(done).toBe(false)
    reader.exec('COMMIT')
    reader.close()
    await writing
  })

  it.skipIf(process.getuid?.() === 0)('says when it may not write (root may always)', async () => {
    const folder = await stateFolder()
    await oneReceipt(folder)
    await chmod(join(folder, 'ledger.db'), 0o400)
    await expect(open(folder)).rejects.toMatchObject({ code: 'state-failed' })
  })
})
