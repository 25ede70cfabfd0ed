import { readdir, rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { ImapHook } from '../support/fake-imap-session.js'
import { readMaildir } from '../support/rig.js'
import { asMessages } from '../support/fake-maildrop.js'
import { rewrite } from '../support/fake-actions.js'
import { openImapScene } from './imap-scene.js'

const messages = Array.from({ length: 30 }, (_, index) => `Subject: ${index}\r\n\r\nText ${index}.\r\n`)
const maildir = { type: 'maildir', path: 'mail' }
const one =
  (reply: string): ImapHook =>
  ({ literals }) =>
    literals.some((bytes) => bytes.includes('Subject: 7\r')) ? { reply: `TAG ${reply}\r\n` } : undefined

const lies = (listed: number) => () => rewrite((reply) => reply.toString().replace(/^3 \d+\r$/m, `3 ${listed}\r`))

describe('a message that the IMAP server does not take', () => {
  it.each([
    ['too big, in a code', 'NO [TOOBIG] no', 'too-big'],
    ['too big, in words', 'NO Message size exceeds fixed maximum message size', 'too-big'],
    ['malformed', 'BAD Command Argument Error. 11', 'append-refused'],
  ])('%s: fails by itself, waits in quarantine, and is offered again without a RETR', async (_, reply, code) => {
    const hooks = { APPEND: one(reply) }
    await using scene = await openImapScene({ messages, imap: { hooks }, targets: [maildir] })
    const { code: exit, events } = await scene.run(['run', '--json'])
    expect(exit).toBe(3)
    expect(events.filter(({ type }) => type === 'message.failed')).toMatchObject([
      { uidl: 'u8', target: 'imap', code, transient: false, error: expect.stringContaining(reply) as string },
    ])
    expect(events.at(-1)).toMatchObject({ listed: 30, copied: 29, failed: 1 })
    expect(scene.stored()).toHaveLength(29)
    expect(await readMaildir(scene.folder.at('mail'))).toHaveLength(30)
    expect(await readdir(scene.folder.at('migrate.state', 'quarantine'))).toHaveLength(1)
    expect(scene.server.sessions.every(({ quit }) => quit)).toBe(true)
    const { signIns } = scene.server
    // The server has changed its mind.
    Reflect.deleteProperty(hooks, 'APPEND')
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(scene.stored()).toEqual(messages.toSorted())
    expect(scene.server.retrs('u8')).toBe(1)
    expect(scene.server.signIns).toBeGreaterThan(signIns)
    expect(await readdir(scene.folder.at('migrate.state', 'quarantine'))).toEqual([])
  })

  it('is not even sent where the server has said how much it takes (APPENDLIMIT)', async () => {
    const capabilities = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', 'UIDPLUS', 'APPENDLIMIT=1000']
    const all = [...messages, `Subject: big\r\n\r\n${'x'.repeat(2000)}\r\n`]
    await using scene = await openImapScene({ messages: all, imap: { capabilities } })
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/not copied into imap: the server takes at most 1,000 octets, .*: not downloaded/)
    expect(scene.stored()).toEqual(messages.toSorted())
    expect(scene.imap.lines.join('\n')).not.toContain('{20')
    expect(scene.server.retrs('u31')).toBe(0)
    // Another target takes it: then it is fetched once, and waits in quarantine for this one.
    await scene.plan({
      timeouts: { settle: '300ms' },
      accounts: [{ name: 'alice', source: scene.server.source(), targets: [scene.imap.target(), maildir] }],
    })
    for (let run = 0; run < 2; run++) expect((await scene.run(['run', '--quiet'])).code).toBe(3)
    expect(await readMaildir(scene.folder.at('mail'))).toHaveLength(31)
    expect(scene.server.retrs('u31')).toBe(1)
    expect(await readdir(scene.folder.at('migrate.state', 'quarantine'))).toHaveLength(1)
    capabilities.pop()
    expect((await scene.run(['run', '--quiet'])).code).toBe(0)
    expect(scene.stored()).toEqual(all.toSorted())
    expect(scene.server.retrs('u31')).toBe(1)
  })

  it.each([
    ['a listed size that is a little too large', 1040, true],
    ['one that is much too large', 1060, false],
  ])('is decided on by what arrives, for %s', async (_, listed, fetched) => {
    const capabilities = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', 'UIDPLUS', 'APPENDLIMIT=1000']
    await using scene = await openImapScene({ messages, imap: { capabilities }, hooks: { LIST: lies(listed) } })
    expect((await scene.run(['run', '--quiet'])).code).toBe(3)
    expect(scene.server.retrs('u3') > 0).toBe(fetched)
  })

  it('for its NUL and bare line feeds gets the least change, flagged, and the run is fine', async () => {
    const odd = ['Subject: nul\r\n\r\na\0b\r\n', 'Subject: bare\r\n\r\na\nb\n']
    const capabilities = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', 'UIDPLUS', 'MULTIAPPEND']
    await using scene = await openImapScene({ messages: [...odd, ...messages], imap: { strict: true, capabilities } })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    const flagged = events.filter(({ type, flag }) => type === 'message.flagged' && flag === 'lossy-form')
    expect(flagged.map(({ uidl }) => uidl)).toEqual(['u1', 'u2'])
    expect(scene.stored()).toHaveLength(32)
    expect(scene.stored()).toContain('Subject: bare\r\n\r\na\r\nb\r\n\r\n')
    expect(await scene.run(['verify', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('a quota', () => {
  const quota = (text: string): Record<string, ImapHook> => ({
    GETQUOTAROOT: () => ({ reply: `* QUOTAROOT INBOX "u"\r\n* QUOTA "u" (${text})\r\nTAG OK done\r\n` }),
  })
  const capabilities = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', 'UIDPLUS', 'QUOTA']

  it.each([
    ['octets', 'STORAGE 10 10'],
    ['messages', 'STORAGE 1 1000 MESSAGE 50 50'],
  ])('that is used up, of %s, stops the target before any RETR, and nothing that is there already', async (_, text) => {
    const hooks = quota('STORAGE 0 100')
    await using scene = await openImapScene({ messages: messages.slice(0, 3), imap: { capabilities, hooks } })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    Object.assign(hooks, quota(text))
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    scene.server.messages = asMessages(messages)
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.find(({ type }) => type === 'target.stopped')).toMatchObject({
      code: 'over-quota',
      error: expect.stringContaining('27 messages wait for it') as string,
    })
    expect(scene.server.retrs('u4')).toBe(0)
    expect(scene.imap.seen('APPEND')).toBeLessThan(4)
  })

  it.each([
    ['a mailbox that is full', quota('STORAGE 10 10 MESSAGE 30 30'), capabilities],
    ['one with too little room', quota('MESSAGE 30 40'), capabilities],
    ['a server that takes less than it did (APPENDLIMIT)', {}, [...capabilities, 'APPENDLIMIT=10']],
  ])('and %s: adopting what stands there needs no room', async (_, hooks, now) => {
    const imap = { capabilities: [...capabilities], hooks: {} }
    await using scene = await openImapScene({ messages, imap })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    Object.assign(imap.hooks, hooks)
    imap.capabilities.splice(0, Infinity, ...now)
    const appends = scene.imap.seen('APPEND')
    await rm(scene.folder.at('migrate.state'), { recursive: true })
    const { code, events } = await scene.run(['run', '--adopt', '--json'])
    expect(events.filter(({ type }) => ['target.stopped', 'message.failed', 'warning'].includes(type))).toEqual([])
    expect(events.at(-1)).toMatchObject({ exitCode: 0, listed: 30, present: 30, failed: 0 })
    expect(code).toBe(0)
    expect(scene.imap.seen('APPEND')).toBe(appends)
  })

  it.each([
    ['octets', 'STORAGE 99 100', 'room for 1.0 KB'],
    ['messages', 'MESSAGE 90 100', 'room for 10 messages'],
    ['octets in the tightest of several', 'STORAGE 0 100 STORAGE 499 500', 'room for 1.0 KB'],
  ])('that is too small, of %s, is told before any RETR; what the server takes is copied', async (_, text, words) => {
    const all = messages.map((message) => message + 'x'.repeat(100))
    await using scene = await openImapScene({ messages: all, imap: { capabilities, hooks: quota(text) } })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    const told = events.filter(({ type }) => type === 'warning')
    expect(told).toMatchObject([{ code: 'quota-short', message: expect.stringContaining(words) as string }])
    expect(events.findIndex(({ type }) => type === 'warning')).toBeLessThan(
      events.findIndex(({ type }) => type === 'account.listed'),
    )
    expect(scene.stored()).toHaveLength(30)
  })

  it.each(['STORAGE 5 0', 'STORAGE x y', 'STORAGE', '('])('that says nothing of use is ignored: %s', async (text) => {
    await using scene = await openImapScene({ messages, imap: { capabilities, hooks: quota(text) } })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })
})

describe('a target that takes no more', () => {
  it.each([
    ['full', 'NO [OVERQUOTA] Quota exceeded', 'over-quota', 3],
    ['full, in words', 'NO Quota exceeded (mailbox for user is full)', 'over-quota', 3],
    ['refusing one after another', 'NO Server Unavailable. 15', 'server-busy', 75],
    ['refusing without a reason', 'NO no', 'target-refuses', 3],
  ])('%s: stops alone, and catches up later', async (_, reply, code, exit) => {
    const hooks: Record<string, ImapHook> = { APPEND: () => ({ reply: `TAG ${reply}\r\n` }) }
    await using scene = await openImapScene({ messages, imap: { hooks }, targets: [maildir] })
    const { code: first, events } = await scene.run(['run', '--json'])
    expect(first).toBe(exit)
    expect(events.find(({ type }) => type === 'target.stopped')).toMatchObject({ target: 'imap', code })
    expect(events.find(({ type }) => type === 'account.finished')).toMatchObject({ status: 'incomplete' })
    expect(await readMaildir(scene.folder.at('mail'))).toHaveLength(30)
    // Singly after a refused group; then it is not asked for ever.
    expect(scene.imap.seen('APPEND')).toBeLessThan(120)
    delete hooks['APPEND']
    const before = await readMaildir(scene.folder.at('mail'))
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(scene.stored()).toEqual(messages.toSorted())
    expect(await readMaildir(scene.folder.at('mail'))).toEqual(before)
  })

  it('signed out for good does not keep others from theirs', async () => {
    const hooks = { LOGIN: () => ({ reply: 'TAG NO [AUTHENTICATIONFAILED] no\r\n' }) }
    await using scene = await openImapScene({ messages, imap: { hooks }, targets: [maildir] })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.find(({ type }) => type === 'account.finished')).toMatchObject({ status: 'incomplete' })
    expect(await readMaildir(scene.folder.at('mail'))).toHaveLength(30)
    // A wrong password is not tried again and again (locked accounts).
    expect(scene.imap.seen('LOGIN')).toBe(1)
  })

  it('throttled: waits as long as it is told to, without the POP session (QUIRKS APP-06)', async () => {
    const at: number[] = []
    const words = 'Request is throttled. Suggested Backoff Time: 1200 milliseconds'
    const open: boolean[] = []
    await using scene = await openImapScene({
      messages,
      imap: {
        hooks: {
          APPEND: ({ count }) => {
            at.push(Date.now())
            if (count > 1) open.push(scene.server.sessions.slice(0, 1).some(({ closed }) => closed))
            return count === 1 ? { reply: `TAG NO ${words}\r\n`, cut: true } : undefined
          },
        },
      },
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events.find(({ type }) => type === 'retry')).toMatchObject({
      code: 'throttled',
      delayMs: expect.any(Number) as number,
    })
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(1200)
    expect(open[0]).toBe(true)
    expect(scene.stored()).toEqual(messages.toSorted())
  })

  it('throttled for longer than the plan waits ends with 75 and says when it can go on', async () => {
    const hooks = { APPEND: () => ({ reply: 'TAG NO [LIMIT] try again in 2 hours\r\n' }) }
    await using scene = await openImapScene({ messages, imap: { hooks } })
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(75)
    expect(stderr).toMatch(/limits how much it takes/)
    expect(scene.imap.seen('APPEND')).toBeLessThan(40)
  })
})
