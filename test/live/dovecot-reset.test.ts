import { beforeEach, describe, expect, it } from 'vitest'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { oddMail } from '../support/mail.js'
import { realisticMail } from '../support/realistic-mail.js'
import { runPopferry, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import { snapshot } from '../support/snapshot.js'
import { openTap } from '../support/tap.js'

const { missing } = (await findDovecot()) as { readonly missing?: string }
/** Without twins; some of Dovecot's formats give them one id. */
const mail = [...new Set([...realisticMail(300, 1939), ...oddMail.map(([, bytes]) => bytes)].map(String))]
  .map((text) => Buffer.from(text))
  .filter(({ length }) => length < 1e6)
const fresh = Buffer.from('Subject: fresh\r\n\r\nSent behind the move.\r\n')

async function start(format: string, messages: readonly Buffer[]): Promise<Dovecot> {
  const dovecot = await Dovecot.start({ pop3: [`pop3_uidl_format = ${format}`] })
  await dovecot.fill('alice', messages)
  return dovecot
}

async function plan(folder: TempFolder, port: number): Promise<void> {
  const source = { host: '127.0.0.1', port, tls: 'none', user: 'alice', password: 'secret' }
  const targets = ['maildir', 'mbox'].map((type) => ({ type, path: `archive/${type}` }))
  // A killed session may hold the maildrop a moment longer.
  const retry = { attempts: 50, minDelay: '10ms', maxDelay: '200ms' }
  await writePlan(folder, { retry, accounts: [{ name: 'alice', source, targets }] })
}

describe('LST-04 a real Dovecot that moves and gives all messages new ids', { timeout: 120_000 }, () => {
  beforeEach(({ skip }) => {
    skip(missing !== undefined, missing)
  })

  it('stores nothing twice, also where the run behind the move is killed', async () => {
    await using folder = await tempFolder()
    {
      await using before = await start('%08Xu%08Xv', mail)
      await plan(folder, before.ports.plain)
      const { code, events } = await runPopferry(['run', '--json'], { cwd: folder.path })
      expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { copied: mail.length } })
    }
    const stored = await snapshot(folder.at('archive'))
    await using moved = await start('%Mf', mail)
    await using tap = await openTap(moved.ports.plain)
    await plan(folder, tap.port)
    await using running = startPopferry(['run', '--quiet'], { cwd: folder.path })
    tap.onRetr = () => {
      if (tap.retrs === Math.floor(mail.length / 2)) running.kill('SIGKILL')
    }
    expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
    tap.onRetr = undefined
    const again = await runPopferry(['run', '--json'], { cwd: folder.path })
    expect({ code: again.code, end: again.events.at(-1) }).toMatchObject({
      code: 0,
      end: { listed: mail.length, present: mail.length, copied: 0, failed: 0 },
    })
    expect(await snapshot(folder.at('archive'))).toEqual(stored)
    tap.retrs = 0
    expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(tap.retrs).toBe(0)
  })

  it('counts what it recognises, and copies new mail', async () => {
    await using folder = await tempFolder()
    const some = mail.slice(0, 60)
    {
      await using before = await start('%f', some)
      await plan(folder, before.ports.plain)
      expect(await runPopferry(['run'], { cwd: folder.path })).toMatchObject({ code: 0 })
    }
    await using moved = await start('%08Xv%08Xu', [...some, fresh])
    await plan(folder, moved.ports.plain)
    const { code, events } = await runPopferry(['run', '--json'], { cwd: folder.path })
    const counts = { listed: 61, present: 60, copied: 1, reidentified: 60 }
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: counts })
  })
})
