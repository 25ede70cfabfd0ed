import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { pop3 } from '../../src/sources/pop3.js'
import { authority, identity } from '../net/certificates.js'
import { ScriptServer } from '../pop3/script-server.js'
import { fileURLToPath } from 'node:url'
import { fetch, greeted, maildrop, never, signedIn, sourceAt } from './maildrop.js'

const caFile = fileURLToPath(new URL('../../fixtures/tls/ca.pem', import.meta.url))

describe('settings', () => {
  const plan = { host: 'pop.old.example', user: 'alice' }

  test('defaults', () => {
    const defaults = { tls: 'implicit', allowPlaintext: false, auth: 'auto', pipelining: 'auto' }
    const rules = { identity: 'uidl', onUidlReset: 'reidentify', sizes: 'auto', sessions: 'auto' }
    expect(pop3.settings.parse(plan)).toEqual({ ...plan, ...defaults, ...rules })
  })

  test.each<[string, object, string]>([
    ['an unknown key', { colour: 'red' }, ''],
    ['a URL', { host: 'pop3://pop.old.example' }, 'host'],
    ['a port out of range', { port: 65_536 }, 'port'],
    ['AUT-12 a line end in the user', { user: 'x\r\nDELE 1' }, 'user'],
    ['AUT-12 NUL in the authzid', { authzid: 'x\0' }, 'authzid'],
    ['TLS-12 plaintext beyond loopback', { tls: 'none' }, 'tls'],
    ['a bad fingerprint', { tlsOptions: { fingerprint256: 'AB:CD' } }, 'tlsOptions.fingerprint256'],
    ['an unknown mechanism', { auth: 'magic' }, 'auth'],
    ['an unknown way to take sizes', { sizes: 'off' }, 'sizes'],
    ['a token mechanism without a token', { auth: 'xoauth2' }, 'auth'],
    ['an authzid that nothing carries', { auth: 'scram-sha-256', authzid: 'bob' }, 'auth'],
    ['an unknown identity', { identity: 'number' }, 'identity'],
    ['an unknown answer to new ids', { onUidlReset: 'ignore' }, 'onUidlReset'],
  ])('refuses %s', (_name, more, path) => {
    // As the plan does it, which adds keys of its own.
    const schema = pop3.settings.safeExtend({ type: z.literal('pop3'), password: z.string() })
    const result = schema.safeParse({ type: 'pop3', password: 'x', ...plan, ...more })
    expect(result.error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
  })

  test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('TLS-12 plaintext to %s', (host) => {
    expect(pop3.settings.safeParse({ ...plan, host, tls: 'none' }).success).toBe(true)
  })

  test('TLS-12 counts again once templates are filled in', () => {
    const open = { tls: 'none', allowPlaintext: false, auth: 'auto', pipelining: 'auto' }
    expect(() => pop3.create({ ...plan, ...open }, {} as never)).toThrow(
      expect.objectContaining({ code: 'plan-conflict' }),
    )
  })
})

describe('connect', () => {
  test('CAP-02 a server that hangs up on CAPA: once more without it, remembered for the run', async () => {
    await using server = await ScriptServer.start(
      greeted({
        ...maildrop(['a\r\n']),
        CAPA: (_line, peer) => {
          peer.end()
        },
      }),
    )
    const { source } = sourceAt(server.port)
    for (let round = 0; round < 2; round++) {
      await using session = await source.connect(never)
      expect((await fetch(session)).results).toEqual(['id1: a\r\n'])
    }
    expect(server.peers.map(({ lines }) => lines[0])).toEqual(['CAPA', 'USER alice', 'USER alice'])
  })

  test('CAP-02 never without the TLS that was asked for', async () => {
    await using server = await ScriptServer.start(
      greeted({
        CAPA: (_line, peer) => {
          peer.end()
        },
        STLS: async (_line, peer) => {
          await peer.send('+OK\r\n')
          await peer.secure(identity('good'))
          await peer.answer(maildrop(['a\r\n']))
        },
      }),
    )
    const { source } = sourceAt(server.port, { host: 'localhost', tls: 'starttls', tlsOptions: { ca: caFile } })
    await using session = await source.connect(never)
    expect((await fetch(session)).results).toEqual(['id1: a\r\n'])
    expect(server.lines(2).slice(0, 2)).toEqual(['STLS', 'USER alice'])
  })

  test('implicit TLS', async () => {
    await using server = await ScriptServer.start(async (peer) => {
      await peer.secure(identity('good'))
      await greeted(maildrop(['a\r\n'], 'UIDL\r\nPIPELINING\r\nSASL PLAIN\r\n'))(peer, 1)
    })
    const { source } = sourceAt(server.port, {
      host: 'localhost',
      tls: 'implicit',
      auth: 'user',
      tlsOptions: { ca: caFile },
    })
    await using session = await source.connect(never)
    expect((await fetch(session)).results).toEqual(['id1: a\r\n'])
    await session.quit()
    expect(server.lines().at(-1)).toBe('QUIT')
  })

  test('a ca file that cannot be read', async () => {
    const { source } = sourceAt(1, { tls: 'implicit', tlsOptions: { ca: '/nowhere/ca.pem' } })
    await expect(source.connect(never)).rejects.toMatchObject({ code: 'tls-failed' })
    expect(authority).toContain('BEGIN CERTIFICATE')
  })

  test('warnings come once a run', async () => {
    await using rig = await signedIn(maildrop([], 'EXPIRE 0\r\nUIDL\r\n'))
    await (await rig.source.connect(never))[Symbol.asyncDispose]()
    expect(rig.events).toMatchObject([{ type: 'warning', account: 'a', code: 'expires-at-once' }])
    const { source, events } = sourceAt(rig.server.port, {
      tls: 'starttls',
      tlsOptions: { verify: false, minVersion: 'TLSv1' },
    })
    await expect(source.connect(never)).rejects.toMatchObject({ code: 'starttls-missing' })
    await expect(source.connect(never)).rejects.toMatchObject({ code: 'starttls-missing' })
    expect(events.map((event) => 'code' in event && event.code)).toEqual(['certificate-unchecked', 'old-tls'])
  })

  test('SEC-01, SEC-11 the transcript masks secrets and bodies', async () => {
    await using server = await ScriptServer.start(greeted(maildrop(['Subject: private\r\n'])))
    const { source, events } = sourceAt(server.port, {}, { transcript: true })
    await using session = await source.connect(never)
    await fetch(session)
    await session.quit()
    const lines = events.map((event) => (event.type === 'protocol' ? `${event.direction} ${event.line}` : event.type))
    expect(lines.slice(0, 4)).toEqual(['< +OK', '> CAPA', '< +OK', '< UIDL'])
    expect(lines.slice(-5)).toEqual(['> RETR 1', '< +OK', '< <18 octets>', '> QUIT', '< +OK bye'])
    expect(lines).toContain('> PASS ***')
    expect(lines.join()).not.toMatch(/canary|private/)
  })

  test('an abort ends the session with its reason', async () => {
    const controller = new AbortController()
    await using server = await ScriptServer.start(
      greeted({
        ...maildrop(['a\r\n']),
        RETR: () => {
          controller.abort(new Error('stop'))
        },
      }),
    )
    const { source } = sourceAt(server.port)
    await using session = await source.connect(controller.signal)
    expect((await fetch(session)).error).toMatchObject({ message: 'stop' })
    await session.quit()
  })
})
