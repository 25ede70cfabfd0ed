import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { FakeImapServer } from '../support/fake-imap-server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { readMaildir, runPopferry, tempFolder, writePlan } from '../support/rig.js'
import { type Call, counted, type DiskFault, failing, faultyDisk } from './faulty-disk.js'
import { withoutUidPlus } from './imap-scene.js'
import { messages, thorough } from './scene.js'
import { compare, count } from './tally.js'

const disk = await faultyDisk()
const library = 'library' in disk ? disk.library : ''

/** One of each in the short form: another call and another fault for each place. */
const short: readonly (readonly [string, Call, DiskFault])[] = [
  ['state/quarantine', 'write', 'torn'],
  ['state/quarantine', 'sync', 'EIO'],
  ['state/quarantine', 'rename', 'kill'],
  ['state/spool', 'write', 'EDQUOT'],
  ['out', 'write', 'ENOSPC'],
  ['out', 'rename', 'kill'],
]
const places = ['state/quarantine', 'state/spool', 'out']
const calls: readonly Call[] = ['open', 'write', 'sync', 'rename', 'unlink', 'close']
const faults: readonly DiskFault[] = ['kill', 'ENOSPC', 'EDQUOT', 'EIO']
const whole = places.flatMap((place) => calls.flatMap((call) => faults.map((fault) => [place, call, fault] as const)))

it.for(thorough ? whole : short)(
  'FS-01 FS-02 %s: %s fails with %s, while a server refuses messages and forgets what was fetched',
  { timeout: 3_600_000 },
  async ([place, call, fault], context) => {
    context.skip('missing' in disk, 'missing' in disk ? disk.missing : '')
    for (let at = 1; thorough || at === 1; at++) {
      let refuses = true
      await using pop = await FakePop3Server.start({ messages, expire: true })
      await using imap = await FakeImapServer.start({
        capabilities: withoutUidPlus,
        hooks: {
          APPEND: ({ literals }) =>
            refuses && /Subject: (?:one|large)/.test(String(literals[0]))
              ? { reply: 'TAG NO not this\r\n' }
              : undefined,
        },
      })
      await using folder = await tempFolder()
      await mkdir(folder.at('out'))
      const targets = [{ type: 'maildir', path: 'maildir' }, imap.target({ folder: 'Moved' })]
      const retry = { attempts: 2, minDelay: '1ms', maxDelay: '2ms' }
      const timeouts = { settle: '50ms' }
      const accounts = [{ name: 'alice', source: pop.source(), targets }]
      await writePlan(folder, { state: 'state', retry, timeouts, accounts })
      const run = async (env?: Record<string, string>): ReturnType<typeof runPopferry> =>
        runPopferry(['run', '--quiet', '--report', 'out/report.html'], { cwd: folder.path, ...(env && { env }) })
      const tally = `${folder.path}.tally`
      const { code, signal, stderr } = await run({
        ...failing(library, { folder: folder.at(place), call, fault, at }),
        DISK_TALLY: tally,
      })
      const met = (await counted(tally)) >= at
      await rm(tally, { force: true })
      const what = `${place}: ${call} ${at}, ${fault}: ${stderr}`
      if (signal === null) expect([0, 3], what).toContain(code)
      expect(stderr, what).not.toMatch(/internal error|unexpected|\bat .*\.js:\d/)
      refuses = false
      expect(await run(), what).toMatchObject({ code: 0, stderr: '' })
      const inMaildir = (await readMaildir(folder.at('maildir'))).map(({ bytes }) => bytes.toString('latin1'))
      const sent = messages.map((text) => text.replaceAll('\r\n', '\n'))
      const uploaded = imap.store.messages('Moved').map(({ bytes }) => bytes.toString('latin1'))
      for (const checked of [compare(inMaildir, sent), compare(uploaded, messages)]) {
        expect(checked, what).toMatchObject({ lost: 0, doubled: 0 })
        count(context, checked)
      }
      expect(await readdir(folder.at('state', 'quarantine')).catch(() => []), what).toEqual([])
      expect(await readFile(folder.at('out', 'report.html'), 'utf8'), what).toMatch(/<\/html>\s*$/)
      // A killed process may have left its draft, for a day, and so may one that could not remove it.
      if (signal === null && call !== 'unlink') expect(await readdir(folder.at('out')), what).toEqual(['report.html'])
      if (!met) break
      count(context, signal === null ? { faults: 1 } : { kills: 1 })
    }
  },
)
