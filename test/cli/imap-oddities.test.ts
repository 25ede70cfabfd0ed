import { describe, expect, it } from 'vitest'
import { send } from '../support/fake-actions.js'
import type { ImapHook } from '../support/fake-imap-session.js'
import { readMaildir } from '../support/rig.js'
import { openImapScene } from './imap-scene.js'

const messages = Array.from({ length: 12 }, (_, index) => `Subject: ${index}\r\n\r\nText ${index}.\r\n`)
const maildir = { type: 'maildir', path: 'mail' }

describe.concurrent('an IMAP server that is not what it seems', () => {
  it('AUT-15 signs in and then refuses everything: that target stops, nothing is fetched for it', async () => {
    const words = 'User is authenticated but not connected.'
    const hooks: Record<string, ImapHook> = {}
    for (const name of ['NAMESPACE', 'LIST', 'SELECT', 'CREATE', 'STATUS', 'GETQUOTAROOT', 'APPEND']) {
      hooks[name] = () => ({ reply: `TAG NO ${words}\r\n` })
    }
    await using scene = await openImapScene({ messages, imap: { hooks } })
    const { code, events } = await scene.run(['run', '--json'])
    const stopped = events.find(({ type }) => type === 'target.stopped')
    expect({ code, stopped }).toMatchObject({ code: 3, stopped: { error: expect.stringContaining(words) as string } })
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toEqual([])
    expect(scene.imap.seen('APPEND')).toBe(0)
    for (const name of Object.keys(hooks)) Reflect.deleteProperty(hooks, name)
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(scene.stored()).toEqual(messages.toSorted())
  })

  it.each([
    ['with a reason', { reply: 'TAG BAD Command Argument Error. 11\r\n', cut: true }],
    ['without a word', { cut: true }],
  ])('APP-17 hangs up on one message, %s: that one fails, the others are stored', async (_, script) => {
    const long = `Subject: long\r\n\r\n${'x'.repeat(12_000)}\r\n`
    const APPEND: ImapHook = ({ literals }) => (literals.some((one) => one.length > 10_000) ? script : undefined)
    const all = [...messages.slice(0, 5), long, ...messages.slice(5)]
    const hooks = { APPEND }
    await using scene = await openImapScene({ messages: all, imap: { hooks } })
    await scene.plan({
      retry: { attempts: 4, minDelay: '1ms', maxDelay: '2ms' },
      timeouts: { settle: '300ms' },
      accounts: [{ name: 'alice', source: scene.server.source(), targets: [scene.imap.target(), maildir] }],
    })
    const { code, events } = await scene.run(['run', '--json'])
    const failed = events.filter(({ type }) => type === 'message.failed')
    expect({ code, failed }).toMatchObject({
      code: 3,
      failed: [{ uidl: 'u6', target: 'imap', code: 'append-refused', transient: false }],
    })
    expect(scene.stored()).toEqual(messages.toSorted())
    expect(await readMaildir(scene.folder.at('mail'))).toHaveLength(13)
    Reflect.deleteProperty(hooks, 'APPEND')
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(scene.stored()).toEqual(all.toSorted())
  })

  it.each([2, 5])(
    'APP-17 hangs up after %i uploads, whatever they are: none is blamed, each is there once',
    async (most) => {
      let [connection, count] = [0, 0]
      const APPEND: ImapHook = () => {
        if (scene.imap.connections !== connection) [connection, count] = [scene.imap.connections, 0]
        return ++count > most ? { cut: true } : undefined
      }
      await using scene = await openImapScene({
        messages,
        imap: { hooks: { APPEND }, capabilities: ['IMAP4rev1', 'LITERAL+', 'UIDPLUS'] },
      })
      await scene.plan({
        retry: { attempts: 8, minDelay: '1ms', maxDelay: '2ms' },
        timeouts: { settle: '300ms' },
        accounts: [{ name: 'alice', source: scene.server.source(), targets: [scene.imap.target(), maildir] }],
      })
      const { code, events } = await scene.run(['run', '--json'])
      expect({ code, failed: events.filter(({ type }) => type === 'message.failed') }).toEqual({ code: 0, failed: [] })
      expect(scene.stored()).toEqual(messages.toSorted())
    },
  )

  it('APP-23 takes no empty message: it fails there alone, other targets have it', async () => {
    const APPEND: ImapHook = ({ literals }) =>
      literals.some((one) => one.length === 0) ? { reply: "TAG NO Can't save a zero byte message.\r\n" } : undefined
    await using scene = await openImapScene({
      messages: [...messages, ''],
      imap: { hooks: { APPEND } },
      targets: [maildir],
      hooks: { RETR: ({ uidl }) => (uidl === 'u13' ? send('+OK\r\n.\r\n') : undefined) },
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.filter(({ type }) => type === 'message.failed')).toMatchObject([
      { uidl: 'u13', target: 'imap', code: 'append-refused', error: expect.stringContaining('zero byte') as string },
    ])
    expect(scene.stored()).toEqual(messages.toSorted())
    expect((await readMaildir(scene.folder.at('mail'))).map(({ bytes }) => bytes.length)).toContain(0)
  })
})
