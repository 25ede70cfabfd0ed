import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { readMaildir, runPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import { fresh, messages, requireExact, thorough } from './scene.js'

async function planFor(server: FakePop3Server, folder: TempFolder): Promise<void> {
  const targets = [
    { type: 'maildir', path: 'maildir' },
    { type: 'mbox', path: 'mbox' },
    { type: 'eml-zip', path: 'zips/mail.zip' },
  ]
  await writePlan(folder, { state: 'state', accounts: [{ name: 'alice', source: server.source(), targets }] })
}

const run = async (folder: TempFolder): ReturnType<typeof runPopferry> =>
  runPopferry(['run', '--quiet', '--report', 'report.html'], { cwd: folder.path })

/** Where a message's file gets its name, which does not depend on the run. */
async function messageName(server: FakePop3Server): Promise<string> {
  await using folder = await fresh()
  await planFor(server, folder)
  await run(folder)
  const name = (await readMaildir(folder.at('maildir'))).find((file) => file.name.includes('popferry'))?.name
  if (name === undefined) throw new Error('nothing was stored')
  return name
}

/** What popferry creates and might follow a link to; `%` stands for a message's file name. */
const places = [
  'maildir/tmp/%',
  'maildir/new/%',
  'maildir/popferry.lock',
  '.mbox.popferry.lock',
  'zips/mail.zip',
  'zips/.mail.zip.popferry-draft',
  'zips/.mail.zip.popferry.lock',
  'state/lock',
  'state/ledger.db.new',
  'state/ledger.db.new-journal',
  'state/ledger.sha256.new',
  'report.html',
]

it.for(places)('FS-10 a link that lies at %s is not followed', { timeout: 60_000 }, async (place) => {
  await using server = await FakePop3Server.start({ messages })
  const path = place.replace('%', place.includes('%') ? await messageName(server) : '')
  for (const target of thorough ? ['a file', 'nothing'] : ['a file']) {
    await using folder = await fresh()
    await using elsewhere = await tempFolder()
    await planFor(server, folder)
    await mkdir(dirname(folder.at(path)), { recursive: true, mode: 0o700 })
    const victim = elsewhere.at('victim')
    if (target === 'a file') await writeFile(victim, 'From a victim\n\nof others\n', { mode: 0o640 })
    await symlink(victim, folder.at(path))
    const first = await run(folder)
    expect([0, 3, 4], first.stderr).toContain(first.code)
    expect(first.stderr).not.toMatch(/internal error|\bat .*\.js:\d/)
    // It is taken away, or named.
    const stays = (await lstat(folder.at(path)).catch(() => undefined))?.isSymbolicLink() === true
    if (first.code !== 0) expect(first.stderr).toContain(place.startsWith('maildir/new') ? '/maildir ' : basename(path))
    if (stays) expect(await readlink(folder.at(path))).toBe(victim)
    expect(await readdir(elsewhere.path)).toEqual(target === 'a file' ? ['victim'] : [])
    if (target === 'a file') {
      expect(await readFile(victim, 'utf8')).toBe('From a victim\n\nof others\n')
      expect((await lstat(victim)).mode & 0o777).toBe(0o640)
    }
    await rm(folder.at('report.html'), { force: true })
    if (stays && first.code === 0) continue
    if (stays) await rm(folder.at(path))
    expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
    await requireExact(folder)
  }
})
