import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OpenedPlan } from '../../cmd/open-plan.js'
import { openPlan } from '../../cmd/open-plan.js'
import { type ReportFile, reportFile, writeReport } from '../../cmd/report-file.js'
import { openQuarantine } from '../../src/files/quarantine.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Report } from '../../src/ports/report.js'
import { systemClock as clock } from '../support/clock.js'
import { isRoot } from '../support/machine.js'
import { type TempFolder, tempFolder, writePlan } from '../support/rig.js'

let folder: TempFolder
let opened: OpenedPlan

beforeEach(async () => {
  folder = await tempFolder()
  const source = { host: 'pop.example', user: 'alice', password: 'x' }
  const plan = await writePlan(folder, { accounts: [{ source, targets: [{ type: 'mbox', path: 'mail' }] }] })
  opened = await openPlan(plan, { account: [] }, clock)
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function write(file: ReportFile, patienceMs?: number): Promise<Report> {
  await using ledger = await openLedger({ folder: opened.stateFolder, readOnly: false, clock })
  await ledger.enrol([{ account: 'alice', host: 'h', user: 'u', lanes: [{ target: 'mbox', place: 'mbox:/mail' }] }])
  const lane = { account: 'alice', target: 'mbox' }
  const receipts = [{ key: randomUUID(), sha256: 'ab'.repeat(32), size: 1, where: '', flags: [] }]
  await ledger.advance(lane, { committed: { receipts, position: 'p', at: 1 } } as never)
  const quarantine = openQuarantine(join(opened.stateFolder, 'quarantine'), clock)
  return await writeReport(file, { opened, options: { account: [] }, ledger, quarantine, clock, patienceMs })
}

describe('the file of a report', () => {
  it.each(['r.html', 'R.HTML', 'r.json', 'r.x.Json', '.html.json'])('may be called %s', async (name) => {
    const file = await reportFile('--output', folder.at(name))
    await write(file)
    const text = await readFile(folder.at(name), 'utf8')
    expect(text.startsWith(name.toLowerCase().endsWith('json') ? '{' : '<!DOCTYPE html>')).toBe(true)
  })

  it.each(['', '.html', 'r', 'r.htm', 'r.html ', 'r.json.gz', 'html', '.json'])(
    'may not be called %j',
    async (name) => {
      await mkdir(folder.at('x'))
      await expect(reportFile('--output', name === '' ? '' : `${folder.at('x')}/${name}`)).rejects.toThrow('--output: ')
    },
  )

  it.each<[string, () => Promise<unknown>]>([
    ['a folder', async () => mkdir(folder.at('r.html'))],
    ['in a folder that is a file', async () => undefined],
    ['in a folder that is a link in a ring', async () => symlink('ring', folder.at('ring'))],
  ])('is refused where it is %s', async (what, prepare) => {
    await prepare()
    const name = what === 'a folder' ? 'r.html' : what.includes('ring') ? 'ring/r.html' : 'migrate.yaml/r.html'
    await expect(reportFile('--report', folder.at(name))).rejects.toThrow(/^--report: /)
  })

  it('is refused with a name that no file can have', async () => {
    const file = reportFile('--output', folder.at(`${'x'.repeat(300)}.html`)).then(write)
    await expect(file).rejects.toMatchObject({ code: 'io' })
    expect((await readdir(folder.path)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('takes the place of a link to a folder, and of one that leads nowhere', async () => {
    await mkdir(folder.at('inside'))
    await symlink(folder.at('inside'), folder.at('a.html'))
    await symlink('nowhere', folder.at('b.html'))
    for (const name of ['a.html', 'b.html']) await write(await reportFile('--output', folder.at(name)))
    expect(await readdir(folder.at('inside'))).toEqual([])
    expect(await readFile(folder.at('b.html'), 'utf8')).toContain('</html>')
  })

  it('is given up where there is no time left, and what was there stays', async () => {
    await writeFile(folder.at('r.html'), 'old')
    const file = await reportFile('--report', folder.at('r.html'))
    await expect(write(file, -1)).rejects.toMatchObject({ code: 'timeout' })
    expect(await readFile(folder.at('r.html'), 'utf8')).toBe('old')
    expect((await readdir(folder.path)).toSorted()).toEqual(['migrate.state', 'migrate.yaml', 'r.html'])
  })

  it.skipIf(isRoot)('says so where it may not be written (root may always)', async () => {
    const file = await reportFile('--output', folder.at('r.html'))
    await chmod(folder.path, 0o500)
    await expect(write(file).finally(async () => chmod(folder.path, 0o700))).rejects.toMatchObject({
      code: 'not-writable',
    })
  })
})
