import { once } from 'node:events'
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { send, stall } from '../support/fake-actions.js'
import { FakeImapServer } from '../support/fake-imap-server.js'
import type { Finished } from '../support/rig.js'
import { openImapScene } from './imap-scene.js'
import { account, openScene, printed, rawControl, type Scene, signIns, snapshot } from './scene.js'
import { copied, inMaildir, mbox, targets, zip } from './verified.js'

const octets = 3 * 'Subject: one\r\n\r\nText one.\r\n'.length + 4

/** What `check --json` says of the first account. */
function verdict({ code, events }: Finished): { readonly code: number | null; readonly [key: string]: unknown } {
  // Accounts are checked side by side, and told as they end.
  const checks = events.filter(({ type }) => type === 'check.account')
  const one = checks.find(({ account }) => account === 'alice') ?? checks[0]
  return { code, source: one?.['source'], targets: one?.['targets'] }
}

/** No command that fetches, marks or forgets. */
function expectHarmless({ server }: Scene): void {
  expect(server.lines.filter((line) => !/^(?:CAPA|STLS|UTF8|USER|PASS|AUTH|STAT|LIST|UIDL|QUIT)\b/.test(line))).toEqual(
    [],
  )
}

describe.concurrent('check', { timeout: 60_000 }, () => {
  it.each(['implicit', 'starttls'] as const)('all well over TLS (%s): what it found, and no trace', async (tls) => {
    await using scene = await openScene({ tls })
    const before = await snapshot(scene.folder.path)
    const { events, ...ended } = await scene.run(['check', '--json'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(events.map(({ type }) => type)).toEqual(['check.account', 'check.finished'])
    expect(events[0]).toMatchObject({
      account: 'alice',
      source: {
        ok: true,
        tls: { version: 'TLSv1.3', subject: 'localhost' },
        auth: expect.stringMatching(/^[a-z0-9-]+$/) as string,
        capabilities: expect.arrayContaining(['UIDL']) as string[],
        messages: 3,
        bytes: octets,
      },
      targets: [
        { target: 'maildir', ok: true, free: expect.any(Number) as number },
        { target: 'mbox', ok: true, free: expect.any(Number) as number },
      ],
    })
    const { daysLeft, validTo, issuer } = (events[0]?.['source'] as { tls: Record<string, unknown> }).tls
    expect(issuer).toMatch(/\w/)
    expect(daysLeft).toBe(Math.floor((Date.parse(String(validTo)) - Date.now()) / 86_400_000))
    expect(events[1]).toMatchObject({ exitCode: 0 })
    expect(await snapshot(scene.folder.path)).toEqual(before)
    expect(scene.server.sessions.map(({ quit }) => quit)).toEqual([true])
    expectHarmless(scene)
  })

  it('tells people: the verdict, then a line for each source and target; --quiet nothing', async () => {
    await using scene = await openScene({ tls: 'implicit' })
    const { code, stdout, stderr } = await scene.run(['check'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [first, ...rows] = stdout.trimEnd().split('\n')
    expect(first).toBe(
      `Ready: 1 source and 2 targets checked; 3 messages (${octets} B) at the sources, less than a minute to copy.`,
    )
    expect(rows[0]).toMatch(
      /^alice {2}source {3}ok {2}3 messages \(\d+ B\), all to copy: less than a minute; TLSv1\.3, certificate of localhost from .+, [\d,]+ days left; signed in by \S+$/,
    )
    expect(rows[1]).toMatch(/^ +offers .*UIDL/)
    expect(rows[2]).toMatch(/^alice {2}maildir {2}ok {2}writable, .* free$/)
    expect(rows[3]).toMatch(/^alice {2}mbox {5}ok {2}writable, .* free$/)
    expect(rows).toHaveLength(4)
    expect(await scene.run(['check', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const env = { FORCE_COLOR: '1' }
    expect((await scene.run(['check'], { env })).stdout).toContain('\u001b[32mReady')
    expect((await scene.run(['check', '--no-color'], { env })).stdout).not.toContain('\u001b')
    expect((await scene.run(['check', '-vv'])).stderr).toMatch(/^alice > AUTH PLAIN \*\*\*\n/m)
  })

  it('a wrong password: exit 3, the server’s words and advice; the others are checked; --quiet names it alone', async () => {
    const users = { bob: { password: 'x', messages: [] } }
    await using scene = await openScene({
      users,
      plan: (server) => ({
        accounts: [account('alice', { ...server.source(), password: 'wrong' }), account('bob', server.source('bob'))],
      }),
    })
    const { code, stdout } = await scene.run(['check', '--quiet'])
    expect(code).toBe(3)
    expect(stdout).toMatch(/^Not ready: 1 of 4 checks \(2 sources and 2 targets\) failed\.\n/)
    expect(stdout).toMatch(/^alice {2}source {2}FAILED {2}.*\(127\.0\.0\.1:\d+, sign-in\): "-ERR .*" — /m)
    expect(stdout).not.toContain('bob')
    expect(stdout).not.toContain('wrong')
    const all = await scene.run(['check', '--json'])
    expect(verdict(all)).toMatchObject({
      code: 3,
      source: { ok: false, tls: null, auth: null, messages: null, code: 'auth-failed', transient: false },
      targets: [{ target: 'maildir', ok: true }],
    })
    expect(all.events.find(({ account }) => account === 'bob')).toMatchObject({ source: { ok: true, messages: 0 } })
    expect(await scene.run(['check', '--account', 'b*'])).toMatchObject({ code: 0 })
    expectHarmless(scene)
  })

  it('TLS-05 an expired certificate: exit 3, named, no password sent', async () => {
    await using scene = await openScene({ tls: 'implicit', certificate: 'expired' })
    const { code, stdout } = await scene.run(['check'])
    expect(code).toBe(3)
    expect(stdout).toMatch(
      /^alice {2}source {3}FAILED {2}the certificate expired on 2020-02-01, .*no password was sent/m,
    )
    expect(scene.server.lines.filter((line) => signIns.test(line))).toEqual([])
  })

  it('only passing reasons: exit 75 where nobody listens or the maildrop is locked', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await once(closed, 'close')
    await using scene = await openScene({ source: { port } })
    const { code, stdout } = await scene.run(['check'])
    expect(code).toBe(75)
    expect(stdout).toMatch(
      /^Not ready: 1 of 3 checks .* failed; all of it may pass by itself\.\nalice {2}source {3}FAILED /,
    )
    expect(verdict(await scene.run(['check', '--json']))).toMatchObject({
      code: 75,
      source: { ok: false, code: 'unreachable', transient: true },
      targets: [{ ok: true }, { ok: true }],
    })
    await using locked = await openScene({
      source: { auth: 'user' },
      hooks: { PASS: () => send('-ERR [IN-USE] another session\r\n') },
    })
    expect(verdict(await locked.run(['check', '--json']))).toMatchObject({ code: 75, source: { code: 'locked' } })
  })

  it('a plan that is wrong: exit 2, nobody is asked', async () => {
    await using scene = await openScene({ source: { prot: 1 } })
    expect(await scene.run(['check', '--json'])).toMatchObject({ code: 2, stdout: '' })
    await using moved = await copied()
    await moved.plan({
      accounts: [
        {
          name: 'alice',
          source: moved.server.source(),
          targets: [{ type: 'maildir', path: 'elsewhere' }],
        },
      ],
    })
    const sessions = moved.server.sessions.length
    const { code, stderr } = await moved.run(['check'])
    expect(code).toBe(2)
    expect(stderr).toContain('previously')
    expect([...scene.server.sessions, ...moved.server.sessions.slice(sessions)]).toEqual([])
  })

  it('targets that take no mail: a file, a link or other files in the way, no mbox, no such owner', async () => {
    const places = [
      { type: 'maildir', path: 'file/maildir' },
      { type: 'maildir', name: 'foreign', path: 'foreign' },
      { type: 'maildir', name: 'owned', path: 'owned', owner: 'nobody-such:nobody-such' },
      { type: 'mbox', path: 'text' },
      { type: 'mbox', name: 'mbox-2', path: 'file/x/mbox' },
      { type: 'eml-zip', path: 'gone/zips/all' },
    ]
    await using scene = await openScene({
      plan: (server) => ({ accounts: [{ name: 'alice', source: server.source(), targets: places }] }),
    })
    await writeFile(scene.folder.at('file'), '')
    await writeFile(scene.folder.at('text'), 'Dear diary\n')
    await mkdir(scene.folder.at('foreign'))
    await writeFile(scene.folder.at('foreign', 'notes.txt'), '')
    await symlink('/nonexistent/disk', scene.folder.at('gone'))
    const before = await readdir(scene.folder.path, { recursive: true })
    expect(verdict(await scene.run(['check', '--json']))).toMatchObject({
      code: 3,
      source: { ok: true },
      targets: [
        { target: 'maildir', ok: false, code: 'not-a-maildir' },
        { target: 'foreign', ok: false, code: 'not-a-maildir' },
        { target: 'owned', ok: false, code: 'not-writable' },
        { target: 'mbox', ok: false, code: 'not-an-mbox' },
        { target: 'mbox-2', ok: false },
        {
          target: 'eml-zip',
          ok: false,
          code: 'not-writable',
          error: expect.stringContaining('link to nothing') as string,
        },
      ],
    })
    expect(await readdir(scene.folder.path, { recursive: true })).toEqual(before)
  })

  it.runIf(process.platform === 'linux')('a folder in which nobody may write, not even root', async () => {
    await using scene = await openScene({
      plan: (server) => ({
        accounts: [{ name: 'alice', source: server.source(), targets: [{ type: 'mbox', path: '/sys/popferry/mbox' }] }],
      }),
    })
    const { code, stdout } = await scene.run(['check'])
    expect(code).toBe(3)
    expect(stdout).toMatch(
      /^alice {2}mbox {4}FAILED {2}cannot write in \/sys: .* — check owner and permissions of the path$/m,
    )
    expect(stdout).toMatch(/^alice {2}source {2}ok /m)
  })

  it('after runs: what stands there and the state stay as they are, to the modification time', async () => {
    await using scene = await copied()
    const before = await snapshot(scene.folder.path)
    const retrs = scene.server.lines.filter((line) => line.startsWith('RETR')).length
    expect(await scene.run(['check'])).toMatchObject({ code: 0, stderr: '' })
    expect(await snapshot(scene.folder.path)).toEqual(before)
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(retrs)
    expect((await scene.run(['run', '--json', '--quiet'])).events.at(-1)).toMatchObject({ copied: 0, present: 4 })
  })

  it('FS-08 target-gone: what earlier runs stored must be there, also under new names', async () => {
    await using scene = await copied()
    await scene.plan({
      accounts: [
        {
          name: 'alicia',
          previously: 'alice',
          source: scene.server.source(),
          targets: targets.map((target) => ({ ...target, path: target.path.replace('{account}', 'alice') })),
        },
      ],
    })
    expect(await scene.run(['check'])).toMatchObject({ code: 0, stderr: '' })
    await rm(inMaildir(scene), { recursive: true })
    await rm(zip(scene))
    await writeFile(mbox(scene), '')
    expect(verdict(await scene.run(['check', '--json']))).toMatchObject({
      code: 3,
      source: { ok: true },
      targets: ['maildir', 'mbox', 'eml-zip'].map((target) => ({ target, ok: false, code: 'target-gone' })),
    })
    expect(await readdir(scene.folder.at('mail'))).toEqual(['alice.mbox'])
  })

  it('CON-06 escapes the words of a hostile server', async () => {
    const evil = '\u001b[2J\u001b]0;x\u0007\u0085'
    const capa = send(`+OK\r\nUIDL\r\nIMPLEMENTATION ${evil}\r\n.\r\n`)
    await using scene = await openScene({ hooks: { CAPA: () => capa } })
    const { code, stdout } = await scene.run(['check'])
    expect(code).toBe(0)
    expect(stdout).toContain('IMPLEMENTATION \\x1b[2J')
    expect(stdout).not.toMatch(rawControl)
    await using refusing = await openScene({
      source: { auth: 'user' },
      hooks: { PASS: () => send(`-ERR ${evil}\r\n`) },
    })
    const refused = await refusing.run(['check'])
    expect(refused.code).toBe(3)
    expect(refused.stdout).not.toMatch(rawControl)
    expect((await refusing.run(['check', '--json'])).stdout).not.toMatch(rawControl)
  })

  it('while a run works it is named, its sources are left alone, and the targets are checked', async () => {
    await using scene = await openScene({
      source: { password: { env: 'ALICE_PW' } },
      hooks: { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) },
    })
    await using running = scene.start(['run', '--json'], { env: { ALICE_PW: 'secret' } })
    await printed(running, '"target":"mbox","messages":1,"copied":1')
    const sessions = scene.server.sessions.length
    const { code, stdout } = await scene.run(['check'])
    expect(code).toBe(4)
    expect(stdout).toMatch(/^No fault found: 2 targets checked\.\nA run is at work, and its sources were left alone: /)
    expect(stdout).toContain(`process ${running.pid} on `)
    expect(stdout).toMatch(/^alice {2}source {3}skipped {2}a run is at work$/m)
    expect(verdict(await scene.run(['check', '--json']))).toMatchObject({
      code: 4,
      source: { ok: false, code: 'held', error: expect.stringContaining(`process ${running.pid} on `) as string },
      targets: [{ ok: true }, { ok: true }],
    })
    expect(scene.server.sessions).toHaveLength(sessions)
    running.kill('SIGKILL')
    await running.finished
    scene.server.hooks = {}
    // The lock of a dead run is nobody's, and is left to the next run, like all else that it left.
    const before = await snapshot(scene.folder.path)
    expect(await scene.run(['check'], { env: { ALICE_PW: 'secret' } })).toMatchObject({ code: 0 })
    expect(await snapshot(scene.folder.path)).toEqual(before)
    expect(await readdir(scene.folder.at('migrate.state'))).toContain('lock')
  })

  it('many accounts at once: in the order of the plan, and no warning', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `user${index}`)
    const users = Object.fromEntries(names.map((name) => [name, { password: 'x', messages: [] }]))
    await using scene = await openScene({
      users,
      // Whoever comes first ends last.
      hooks: { QUIT: ({ count }) => (count === 1 ? stall : undefined) },
      plan: (server) => ({
        concurrency: { accounts: 12, perHost: 12 },
        accounts: names.map((name) => account(name, server.source(name))),
      }),
    })
    const { code, stdout, stderr } = await scene.run(['check'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const sources = stdout.split('\n').filter((line) => line.startsWith('user') && line.includes(' source '))
    expect(sources.map((line) => line.split(' ')[0])).toEqual(names)
  })

  it('stops at SIGINT with exit code 130', async () => {
    await using scene = await openScene({ hooks: { STAT: () => stall } })
    await using running = scene.start(['check'])
    await scene.server.seen('STAT')
    running.kill('SIGINT')
    const { code, stdout } = await running.finished
    expect({ code, stdout }).toEqual({ code: 130, stdout: 'Stopped; what was not asked yet is not below.\n' })
  })
})

describe.concurrent('check of an IMAP target', { timeout: 60_000 }, () => {
  const quota = '* QUOTAROOT INBOX ""\r\n* QUOTA "" (MESSAGE 1 9 STORAGE 10 1024)\r\nTAG OK done\r\n'
  const capabilities = ['IMAP4rev1', 'QUOTA', 'AUTH=PLAIN']

  it('signs in, tells the quota, and creates no folder', async () => {
    await using scene = await openImapScene({
      target: { folder: 'Archive/2026' },
      imap: { tls: 'implicit', capabilities, hooks: { GETQUOTAROOT: () => ({ reply: quota }) } },
    })
    expect(verdict(await scene.run(['check', '--json']))).toMatchObject({
      code: 0,
      targets: [
        {
          target: 'imap',
          ok: true,
          tls: { version: 'TLSv1.3', subject: 'localhost' },
          auth: 'plain',
          capabilities: expect.arrayContaining(['QUOTA']) as string[],
          quota: { used: 10_240, limit: 1_048_576 },
        },
      ],
    })
    expect(scene.imap.store.has('Archive/2026')).toBe(false)
    expect(scene.imap.lines.filter((line) => /CREATE|SELECT|APPEND|SUBSCRIBE|STORE/.test(line))).toEqual([])
    expect(scene.imap.seen('LOGOUT')).toBe(1)
    const { stdout } = await scene.run(['check'])
    expect(stdout).toMatch(/^alice {2}imap {4}ok {2}10\.0 KB of 1\.0 MB used; TLSv1\.3, .*signed in by plain$/m)
  })

  it.each([
    ['full', '* QUOTA "" (STORAGE 512 512)\r\nTAG OK done\r\n', 3, { ok: false, code: 'over-quota' }],
    ['refused', 'TAG NO none of your business\r\n', 0, { ok: true }],
    ['nonsense', '* QUOTA "" (STORAGE ((((\r\n* QUOTA x (STORAGE -1 NIL)\r\nTAG OK done\r\n', 0, { ok: true }],
  ] as const)('a quota that is %s', async (_, reply, code, target) => {
    const hooks = { GETQUOTAROOT: () => ({ reply }) }
    await using scene = await openImapScene({ imap: { capabilities, hooks } })
    const found = verdict(await scene.run(['check', '--json']))
    expect(found).toMatchObject({ code, targets: [target] })
  })

  it('a wrong password there: exit 3, with advice about the target', async () => {
    await using scene = await openImapScene({ target: { password: 'wrong' } })
    const { code, stdout } = await scene.run(['check'])
    expect(code).toBe(3)
    expect(stdout).toMatch(
      /^alice {2}imap {4}FAILED {2}.*\[AUTHENTICATIONFAILED\] no" — check user and password of the target/m,
    )
    expect(stdout).toMatch(/^alice {2}source {2}ok /m)
  })

  it('a server that hangs costs its own check alone', async () => {
    await using imap = await FakeImapServer.start({ hooks: { CAPABILITY: () => ({}) } })
    await using scene = await openImapScene({
      settings: { timeouts: { reply: '4s', connect: '30s', stall: '4s' } },
      targets: [{ ...imap.target({ user: 'bob' }), name: 'hangs' }],
    })
    expect(verdict(await scene.run(['check', '--json']))).toMatchObject({
      code: 75,
      source: { ok: true },
      targets: [
        { target: 'imap', ok: true },
        { target: 'hangs', ok: false, code: 'timeout' },
      ],
    })
  })
})
