import { describe, expect, it } from 'vitest'
import { openImapScene } from './imap-scene.js'
import { threeMessages } from './scene.js'

const sorted = threeMessages.toSorted()

describe('popferry run into an IMAP folder', () => {
  it.each(['none', 'starttls', 'implicit'] as const)('copies everything, tls %s, and nothing twice', async (tls) => {
    await using scene = await openImapScene({
      imap: { tls },
      target: { folder: 'Archive/{account} & more', flags: ['\\Seen', '$Moved'] },
    })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const folder = 'Archive/alice &- more'
    expect(scene.stored(folder)).toEqual(sorted)
    expect(scene.imap.store.subscribed.has(folder)).toBe(true)
    expect(scene.imap.store.messages(folder)[0]?.flags).toEqual(['\\Seen', '$Moved'])
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, last: events.at(-1) }).toMatchObject({ code: 0, last: { copied: 0, present: 3 } })
    expect(scene.stored(folder)).toEqual(sorted)
    expect((await scene.run(['status', '--json'])).events[0]).toMatchObject({
      targets: [{ target: 'imap', messages: 3 }],
    })
  })

  it('takes the secret from anywhere and shows it nowhere', async () => {
    await using scene = await openImapScene({ target: { password: { env: 'NEW_PW' }, auth: 'login' } })
    const missing = await scene.run(['run', '-vv'])
    expect(missing).toMatchObject({ code: 2 })
    expect(missing.stderr).toContain('environment variable NEW_PW')
    expect(scene.imap.connections + scene.server.sessions.length).toBe(0)
    const { code, stderr } = await scene.run(['run', '-vv'], { env: { NEW_PW: 'secret' } })
    expect(code).toBe(0)
    expect(stderr).toContain('alice > A2 LOGIN alice ***')
    expect(stderr).not.toContain('secret')
  })

  it('names target and server where the sign-in is refused, and serves the other target', async () => {
    await using scene = await openImapScene({
      target: { password: 'wrong' },
      targets: [{ type: 'maildir', path: 'mail' }],
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.filter(({ type }) => type === 'target.stopped')).toMatchObject([
      { target: 'imap', code: 'auth-failed', error: expect.stringMatching(/AUTHENTICATIONFAILED/) as string },
    ])
    expect(events.find(({ type }) => type === 'account.finished')).toMatchObject({ status: 'incomplete', pending: 3 })
    const { stderr } = await scene.run(['run'])
    expect(stderr).toMatch(/alice, target imap: .*check user and password of the target/)
  })

  it.each([
    [{ host: 'imap.new.example' }, /`tls: none` sends the password unencrypted/],
    [{ password: 'secret', auth: 'xoauth2' }, /expected a way to sign in with `password`/],
    [{ folder: 'x"\r\na LOGOUT' }, /expected/],
    [{ flags: ['\\Recent'] }, /expected a flag/],
    [{ auth: 'apop' }, /expected/],
    [{ connections: 0 }, /expected/],
    [{ provider: 'gmial' }, /did you mean `gmail`/],
  ])('refuses the setting %j before anything is contacted', async (target, complaint) => {
    await using scene = await openImapScene({ target })
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(2)
    expect(stderr).toMatch(complaint)
    expect(scene.imap.connections + scene.server.sessions.length).toBe(0)
  })

  it('wants a secret, and none without a terminal', async () => {
    await using scene = await openImapScene({ target: { password: undefined } })
    expect((await scene.run(['run'])).stderr).toMatch('`password` or `oauth2` is missing')
    await using prompting = await openImapScene({ target: { password: { prompt: true } } })
    expect((await prompting.run(['run'])).stderr).toContain('expected a terminal to ask for this secret on')
  })

  it('uploads over several connections, and over fewer where the server allows no more (QUIRKS APP-25)', async () => {
    const messages = Array.from({ length: 40 }, (_, index) => `Subject: ${index}\r\n\r\n${'x'.repeat(index * 100)}\r\n`)
    for (const allowed of [3, 2]) {
      await using scene = await openImapScene({
        messages,
        imap: {
          hooks: {
            greeting: ({ count }) =>
              count > allowed && count < 4 ? { reply: '* BYE too many\r\n', cut: true } : undefined,
          },
        },
        target: { connections: 3 },
      })
      const { code, stderr } = await scene.run(['run'])
      expect(code).toBe(0)
      expect(stderr.includes('not all 3 connections')).toBe(allowed < 3)
      expect(scene.stored()).toEqual(messages.toSorted())
      expect(scene.imap.connections).toBe(3)
      expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
      expect(scene.stored()).toHaveLength(40)
    }
  })
})
