import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { letter, oddMail } from '../support/mail.js'
import { type Digests, findPython, readByPop3, readByPython } from '../support/readers.js'
import {
  type Finished,
  readMaildir,
  readMboxrd,
  runPopferry,
  startPopferry,
  type TempFolder,
  tempFolder,
  writePlan,
} from '../support/rig.js'

const { missing } = { ...(await findPython()), ...(await findDovecot()) } as { readonly missing?: string }
const crowd = ['bob', 'carol', 'dave', 'eve', 'frank', 'grace']
const odd = oddMail.map(([, bytes]) => bytes)

let dovecot: Dovecot
let folder: TempFolder

beforeEach(async ({ skip }) => {
  skip(missing !== undefined, missing)
  folder = await tempFolder()
  return async () => {
    await folder[Symbol.asyncDispose]()
  }
})

beforeAll(async () => {
  if (missing !== undefined) return
  const users = Object.fromEntries(['alice', 'copy', ...crowd].map((user) => [user, 'maildir' as const]))
  dovecot = await Dovecot.start({ users, pop3: ['pop3_lock_session = yes'] })
  await dovecot.fill('alice', odd)
  for (const [index, user] of crowd.entries()) await dovecot.fill(user, lettersFor(user, 20 + index))
})

afterAll(async () => {
  if (missing === undefined) await dovecot[Symbol.asyncDispose]()
})

describe('odd messages from a real Dovecot', () => {
  let sent: Digests

  beforeAll(async () => {
    if (missing === undefined) sent = await readByPop3(dovecot, 'alice')
  })

  it.each([
    ['implicit', 'on'],
    ['implicit', 'off'],
    ['starttls', 'on'],
    ['starttls', 'off'],
    ['none', 'on'],
    ['none', 'off'],
  ] as const)('arrive unchanged with `tls: %s` and `pipelining: %s`', async (tls, pipelining) => {
    const targets = ['maildir', 'mbox'].map((type) => ({ type, path: type }))
    await writePlan(folder, {
      accounts: [{ name: 'alice', source: { ...dovecot.source('alice', tls), pipelining }, targets }],
    })
    const { code, stderr } = await run()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(
      dovecot.log
        .filter((line) => line.includes('Login: user=<alice>'))
        .at(-1)
        ?.includes(', TLS,'),
    ).toBe(tls !== 'none')
    expect(await readByPython('maildir', folder.at('maildir'))).toEqual(sent)
    expect(await readByPython('mbox', folder.at('mbox'))).toEqual(sent)
  })

  it('are served again exactly from a Maildir with `newline: crlf`', async () => {
    const targets = [{ type: 'maildir', path: 'maildir', newline: 'crlf' }]
    await writePlan(folder, { accounts: [{ name: 'alice', source: dovecot.source('alice'), targets }] })
    expect(await run()).toMatchObject({ code: 0 })
    await dovecot.adopt('copy', folder.at('maildir'))
    expect((await readByPop3(dovecot, 'copy')).exact).toEqual(sent.exact)
  })
})

describe('accounts of a real Dovecot', () => {
  it('are copied at the same time, each to its own targets', async () => {
    await writePlan(folder, { concurrency: { accounts: 6, perHost: 6 }, accounts: crowd.map(account) })
    const { code, events } = await run('--report', 'report.json')
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ listed: 135, copied: 135, failed: 0 })
    expect(JSON.parse(await readFile(folder.at('report.json'), 'utf8'))).toMatchObject({
      verdict: 'complete',
      totals: { accounts: 6, complete: 6, listed: 135, copied: 135, copies: { messages: 270 } },
      accounts: crowd.map((user, index) => ({ account: user, stored: { messages: 20 + index } })),
    })
    for (const [index, user] of crowd.entries()) {
      const stored = lettersFor(user, 20 + index).map((text) => text.replaceAll('\r\n', '\n'))
      const maildir = await readMaildir(folder.at(user, 'maildir'))
      expect(maildir.map(({ bytes }) => bytes.toString()).toSorted()).toEqual(stored.toSorted())
      expect((await readMboxrd(folder.at(user, 'mbox'))).map(({ bytes }) => bytes.toString())).toEqual(stored)
    }
  })

  it('do not suffer from the wrong password of one of them, which nobody gets to see', async () => {
    const [bob, carol, dave] = crowd.map(account)
    const wrong = { ...carol, source: { ...dovecot.source('carol'), password: 'w0rd-that-is-wrong' } }
    await writePlan(folder, { accounts: [bob, wrong, dave] })
    const { code, stdout, stderr, events } = await run('-vv')
    expect(code).toBe(3)
    const finished = events.filter(({ type }) => type === 'account.finished')
    expect(finished.toSorted((a, b) => (String(a['account']) < String(b['account']) ? -1 : 1))).toMatchObject([
      { account: 'bob', status: 'ok', copied: 20 },
      { account: 'carol', status: 'failed', code: 'auth-failed', copied: 0 },
      { account: 'dave', status: 'ok', copied: 22 },
    ])
    expect(await dovecot.logged(/auth failed, .*user=<carol>/)).toEqual([
      expect.stringContaining('auth failed, 1 attempts'),
    ])
    expect(stdout + stderr).not.toMatch(/w0rd-that-is-wrong|dzByZC10aGF0LWlzLXdyb25n/)
  })

  it('that are in use are left for later, or awaited', async () => {
    await using holder = await holdMaildrop('bob')
    await writePlan(folder, { retry: { attempts: 1 }, accounts: [account('bob')] })
    // Dovecot waits for the other session for a while before it says so.
    const refused = await run()
    expect(refused.code).toBe(75)
    expect(refused.events.at(-2)).toMatchObject({ type: 'account.finished', status: 'incomplete', code: 'locked' })

    const logins = dovecot.log.filter((line) => line.includes('Login: user=<bob>')).length
    await using running = startPopferry(['run', '--json'], { cwd: folder.path })
    await dovecot.logged(/Login: user=<bob>/, logins + 1)
    await holder[Symbol.asyncDispose]()
    const { code, events } = await running.finished
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ copied: 20 })
  }, 60_000)
})

async function run(...more: readonly string[]): Promise<Finished> {
  return runPopferry(['run', '--json', ...more], { cwd: folder.path })
}

function account(user: string): Record<string, unknown> {
  const targets = ['maildir', 'mbox'].map((type) => ({ type, path: `{account}/${type}` }))
  return { name: user, source: dovecot.source(user), targets }
}

function lettersFor(user: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => letter(`${user} ${index}`, 100 * index))
}

/** A session that somebody else has open. */
async function holdMaildrop(user: string): Promise<AsyncDisposable> {
  const socket = connect(dovecot.ports.plain, dovecot.host)
  const replies = createInterface(socket)
  await once(replies, 'line')
  for (const command of [`USER ${user}`, `PASS ${dovecot.password}`]) {
    socket.write(`${command}\r\n`)
    const [reply] = (await once(replies, 'line')) as [string]
    if (!reply.startsWith('+OK')) throw new Error(`the maildrop cannot be opened: ${reply}`)
  }
  return {
    [Symbol.asyncDispose]: async () => {
      if (socket.destroyed) return
      socket.destroy()
      await once(socket, 'close')
    },
  }
}
