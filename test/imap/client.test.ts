import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { fetchBodies, listFrom } from '../../src/imap/fetch.js'
import { openMailbox } from '../../src/imap/mailbox.js'
import { Fault } from '../../src/ports/fault.js'
import { Secret } from '../../src/ports/secret.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import { ScriptServer } from '../pop3/script-server.js'
import { type Chosen, open, patience } from './opened.js'

async function failure(options: FakeImapOptions, chosen: Chosen = {}): Promise<unknown> {
  await using server = await FakeImapServer.start(options)
  return await open(server, chosen).then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function against(script: string, chosen: Chosen = {}): Promise<unknown> {
  await using server = await ScriptServer.start(async (peer) => {
    await peer.send(script)
    await peer.line()
    peer.end()
  })
  return await open(server, chosen).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('ImapClient', () => {
  it.each(['none', 'starttls', 'implicit'] as const)('signs in, tls %s', async (tls) => {
    await using server = await FakeImapServer.start({ tls })
    const client = await open(server, { tls })
    expect(client.capabilities.has('UIDPLUS')).toBe(true)
    expect(client.dialogue.freeLiteral).toBe(Infinity)
    await client.logout()
    expect(server.seen('LOGOUT')).toBe(1)
  })

  it('does not ask for what the greeting and the answer to the sign-in have listed', async () => {
    await using server = await FakeImapServer.start({
      greeting: '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n',
      hooks: { AUTHENTICATE: () => ({ reply: '* CAPABILITY IMAP4rev1 UIDPLUS LITERAL-\r\nTAG OK in\r\n' }) },
    })
    const client = await open(server)
    expect(server.lines).toEqual([expect.stringMatching(/^A1 AUTHENTICATE PLAIN \S+$/)])
    expect(client.capabilities.names).toEqual(['IMAP4REV1', 'UIDPLUS', 'LITERAL-'])
    expect(client.dialogue.freeLiteral).toBe(4096)
    client.drop()
  })

  it('forgets what was listed before TLS and before the sign-in (QUIRKS TLS-02, TLS-10)', async () => {
    const greeting = '* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=CRAM-MD5 UIDPLUS X-INJECTED] ready\r\n'
    await using server = await FakeImapServer.start({
      tls: 'starttls',
      greeting,
      capabilities: ['IMAP4rev1', 'AUTH=PLAIN', 'SASL-IR'],
    })
    const client = await open(server, { tls: 'starttls' })
    expect(server.lines.map((line) => line.split(' ')[1])).toEqual([
      'STARTTLS',
      'CAPABILITY',
      'AUTHENTICATE',
      'CAPABILITY',
    ])
    expect(client.capabilities.has('X-INJECTED')).toBe(false)
    client.drop()
  })

  it('sends a password that LOGIN cannot quote as a literal, and waits for the invitation', async () => {
    await using server = await FakeImapServer.start({ capabilities: ['IMAP4rev1'] })
    const error = await open(server, { credentials: { password: new Secret('pässword"') } }).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'auth-failed' })
    expect(server.lines.at(-1)).toBe('A2 LOGIN "alice" {10}')
  })

  it('sends the response of PLAIN in a line of its own where SASL-IR is not offered', async () => {
    await using server = await FakeImapServer.start({ capabilities: ['IMAP4rev1', 'AUTH=PLAIN'] })
    const client = await open(server)
    client.drop()
    expect(server.lines).toContain('A2 AUTHENTICATE PLAIN')
  })

  it('says who it is where the server asks for that, and only there (RFC 2971, QUIRKS PRV-08)', async () => {
    await using asking = await FakeImapServer.start({ capabilities: ['IMAP4rev1', 'ID'], wantsId: true })
    const client = await open(asking)
    await expect(client.dialogue.run(['SELECT "INBOX"'])).resolves.toMatchObject({ ok: true })
    client.drop()
    const signedIn = asking.lines.findIndex((line) => line.includes('LOGIN'))
    expect(asking.lines.findIndex((line) => line.includes(' ID ("name" "popferry"'))).toBeGreaterThan(signedIn)
    await using refusing = await FakeImapServer.start({
      capabilities: ['IMAP4rev1', 'ID'],
      hooks: { ID: () => ({ reply: 'TAG BAD Parse command error\r\n' }) },
    })
    const other = await open(refusing)
    other.drop()
    await using silent = await FakeImapServer.start()
    const last = await open(silent)
    last.drop()
    expect(silent.lines.join('\n')).not.toContain(' ID ')
  })

  it('gives no command the data of the next, whichever the server answers first (RFC 3501 §5.5)', async () => {
    const select = '* 3 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 9] next\r\n'
    await using server = await ScriptServer.start(async (peer) => {
      await peer.send('* OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR] hello\r\n')
      await peer.line()
      await peer.send('A1 OK [CAPABILITY IMAP4rev1 ID] in\r\n')
      for (let sent = 0; sent < 2; sent++) await peer.line()
      await peer.send(`${select}A3 OK selected\r\n* ID ("name" "old")\r\nA2 OK done\r\n`)
      await peer.line()
    })
    const { dialogue, capabilities } = await open(server)
    const folder = { folder: 'INBOX', capabilities, create: false, warn: () => undefined }
    expect(await openMailbox(dialogue, folder)).toMatchObject({ messages: 3, uidValidity: 7, uidNext: 9 })
    dialogue.wire.connection.destroy()
  })

  it('gives bodies to whoever asked for them, also before an earlier command is answered', async () => {
    await using server = await ScriptServer.start(async (peer) => {
      await peer.send('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n')
      await peer.line()
      await peer.send('A1 OK [CAPABILITY IMAP4rev1] in\r\n')
      for (let sent = 0; sent < 2; sent++) await peer.line()
      await peer.send('* 1 FETCH (UID 7 BODY[] {5}\r\nhello)\r\nA3 OK fetched\r\nA2 OK done\r\n')
      await peer.line()
    })
    const { dialogue } = await open(server)
    const bodies: string[] = []
    const sink = { write: (bytes: Uint8Array) => void bodies.push(Buffer.from(bytes).toString()) }
    const first = dialogue.run(['NOOP'])
    expect([...(await fetchBodies(dialogue, [7], () => sink)).keys()]).toEqual([7])
    expect(await first).toMatchObject({ ok: true })
    expect(bodies).toEqual(['hello'])
    dialogue.wire.connection.destroy()
  })

  it('tells what a user name beyond ASCII may have to do with a refusal, unless the server reads UTF-8', async () => {
    for (const capabilities of [['IMAP4rev1'], ['IMAP4rev1', 'UTF8=ACCEPT']]) {
      await using server = await FakeImapServer.start({
        capabilities,
        hooks: { CAPABILITY: () => ({ reply: `* CAPABILITY ${capabilities.join(' ')}\r\nTAG OK done\r\n` }) },
      })
      const error = await open(server, { credentials: { user: 'ålice' } }).catch((e: unknown) => e)
      expect(error).toMatchObject({ code: 'auth-failed' })
      expect((error as Fault).hint.includes('beyond ASCII')).toBe(capabilities.length === 1)
    }
  })

  it.each(['* CAPABILITY IMAP4rev1 (', '* CAPABILITY "IMAP4rev1', '* CAPABILITY IMAP4rev1 )x'])(
    'names the server whose capabilities cannot be read: %s',
    async (line) => {
      const error = await failure({ hooks: { CAPABILITY: () => ({ reply: `${line}\r\nTAG OK done\r\n` }) } })
      expect(error).toMatchObject({
        code: 'protocol',
        message: expect.stringContaining('cannot be read') as string,
        facts: { phase: 'CAPABILITY', server: expect.stringContaining('127.0.0.1:') as string, reply: line },
      })
    },
  )

  it.each(['TAG CAPABILITY (', 'TAG CAPABILITY IMAP4rev1'])(
    'ends where a tagged answer looks like a list: %s',
    async (line) => {
      const hooks = { CAPABILITY: () => ({ reply: `${line}\r\n` }) }
      const error = await failure({ hooks }, { patience: { ...patience, reply: 2000 } })
      expect(error).toMatchObject({ code: 'protocol', facts: { phase: 'CAPABILITY' } })
    },
  )

  it.each<[string, string]>([
    ['* CAPABILITY (\r\n', 'wrong-protocol'],
    ['* BYE [CAPABILITY IMAP4rev1] not today\r\n', 'server-busy'],
  ])('takes a greeting only for what it is: %j', async (script, code) => {
    expect(await against(script)).toMatchObject({ code, facts: { phase: 'greeting' } })
  })

  it('never shows the password', async () => {
    const lines: string[] = []
    await using server = await FakeImapServer.start({
      capabilities: ['IMAP4rev1'],
      hooks: { LOGIN: ({ line }) => ({ reply: `TAG NO you said ${line}\r\n` }) },
    })
    const transcript = (direction: string, line: string): number => lines.push(`${direction} ${line}`)
    const credentials = { password: new Secret('canary-77') }
    const error = await open(server, { transcript, credentials }).catch((e: unknown) => e)
    expect(`${JSON.stringify(error)} ${lines.join('\n')}`).not.toContain('canary-77')
    expect(lines).toContain('> A2 LOGIN alice ***')
    expect(error).toMatchObject({ code: 'auth-failed', facts: { reply: 'NO you said A2 LOGIN "alice" "***"' } })
  })

  it.each<[string, string, string]>([
    ['* PREAUTH welcome back', 'auth-unavailable', 'PREAUTH'],
    ['* BYE Too many connections from your address', 'throttled', 'Too many'],
    ['* BYE go away', 'server-busy', 'go away'],
    ['+OK POP3 ready', 'wrong-protocol', 'POP3'],
    ['220 smtp.example ESMTP', 'wrong-protocol', 'ESMTP'],
    ['HTTP/1.1 400 Bad Request', 'wrong-protocol', 'HTTP'],
  ])('refuses the greeting %s', async (greeting, code, reply) => {
    const error = await against(`${greeting}\r\n`)
    expect(error).toMatchObject({ code, facts: { phase: 'greeting', reply: expect.stringContaining(reply) as string } })
  })

  it.each<[string, FakeImapOptions, string]>([
    ['STARTTLS is not offered', { tls: 'none' }, 'starttls-missing'],
    [
      'STARTTLS is refused',
      { tls: 'starttls', hooks: { STARTTLS: () => ({ reply: 'TAG NO no\r\n' }) } },
      'starttls-missing',
    ],
    [
      'bytes are injected before the handshake',
      { tls: 'starttls', hooks: { STARTTLS: () => ({ reply: 'TAG OK go\r\n* CAPABILITY IMAP4rev1\r\n' }) } },
      'starttls-injected',
    ],
  ])('sends no password where %s (QUIRKS TLS-01, TLS-03, TLS-10)', async (_, options, code) => {
    await using server = await FakeImapServer.start(options)
    await expect(open(server, { tls: 'starttls' })).rejects.toMatchObject({ code })
    expect(server.lines.join('\n')).not.toMatch(/LOGIN|AUTHENTICATE/)
  })

  it('does not give a password to a server that forbids LOGIN here (QUIRKS TLS-10)', async () => {
    await using server = await FakeImapServer.start({ loginDisabled: true, capabilities: ['IMAP4rev1'] })
    await expect(open(server)).rejects.toMatchObject({ code: 'auth-unavailable' })
    expect(server.lines.join('\n')).not.toMatch(/LOGIN|AUTHENTICATE/)
  })

  it.each(['none', 'starttls'] as const)(
    'sends not a word to a server that calls it signed in before TLS, tls %s (QUIRKS TLS-09)',
    async (tls) => {
      await using server = await ScriptServer.start(async (peer) => {
        await peer.send('* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome back\r\n')
        await peer.line()
      })
      await expect(open(server, { tls })).rejects.toMatchObject({ code: 'auth-unavailable' })
      await server[Symbol.asyncDispose]()
      expect(server.lines()).toEqual([])
    },
  )

  it.each<[string, string]>([
    ['an endless line', `* OK ${'x'.repeat(2_000_000)}`],
    ['a literal that is too large', '* LIST {999999999}\r\n'],
  ])('bounds %s (QUIRKS APP-22)', async (_, script) => {
    const error = await against(script)
    expect(error).toBeInstanceOf(Fault)
    expect(error).toMatchObject({ code: 'protocol' })
  })

  it('bounds what it is told without an end (QUIRKS APP-22)', async () => {
    await using server = await FakeImapServer.start({
      hooks: { 'UID FETCH': () => ({ reply: '* 1 FETCH (UID 1 RFC822.SIZE 2)\r\n'.repeat(2000) }) },
    })
    const { dialogue } = await open(server)
    dialogue.mostUntagged = 1000
    await expect(listFrom(dialogue, 1)).rejects.toMatchObject({
      code: 'protocol',
      message: 'more than 1000 responses to one command',
    })
  })

  it('keeps only the bodies that it asked for, whatever comes (QUIRKS APP-22)', async () => {
    const body = (uid: number): string => `* ${uid} FETCH (UID ${uid} BODY[] {1}\r\nx)\r\n`
    await using server = await FakeImapServer.start({
      hooks: { 'UID FETCH': () => ({ reply: `${[7, 2, 8].map(body).join('')}TAG OK done\r\n` }) },
    })
    const { dialogue } = await open(server)
    const found = await fetchBodies(dialogue, [1, 2], () => ({ write: () => undefined }))
    expect([...found.keys()]).toEqual([2])
    dialogue.wire.connection.destroy()
  })

  it('does not wait for ever for a server that only says that it is still there (QUIRKS CON-11)', async () => {
    await using server = await ScriptServer.start(async (peer) => {
      await peer.send('* OK [CAPABILITY IMAP4rev1] ready\r\n')
      await peer.line()
      while (!peer.closed) {
        await peer.send('* OK Still here\r\n')
        await pause(10)
      }
    })
    const error = await open(server, { patience: { ...patience, reply: 50 } }).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'timeout', message: expect.stringContaining('next to nothing') as string })
  })

  it('waits no longer for the answer to LOGOUT than for any other, though octets come (QUIRKS CON-11)', async () => {
    await using server = await ScriptServer.start(async (peer) => {
      await peer.send('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n')
      await peer.line()
      await peer.send('A1 OK [CAPABILITY IMAP4rev1] in\r\n')
      await peer.line()
      while (!peer.closed) {
        await peer.send('* OK Still here, and so on\r\n'.repeat(40))
        await pause(20)
      }
    })
    const client = await open(server, { patience: { ...patience, reply: 200 } })
    await client.logout()
    expect(server.lines().at(-1)).toBe('A2 LOGOUT')
  }, 5000)

  it('does not wait for ever', async () => {
    const error = await failure({ hooks: { CAPABILITY: () => ({}) } }, { patience: { ...patience, reply: 50 } })
    expect(error).toMatchObject({ code: 'timeout', facts: { phase: 'CAPABILITY' } })
  })

  it('tells why the server said good-bye', async () => {
    const bye = '* BYE Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n'
    const error = await failure({
      hooks: { AUTHENTICATE: () => ({ reply: bye, cut: true }) },
      capabilities: ['IMAP4rev1', 'AUTH=PLAIN', 'SASL-IR'],
    })
    expect(error).toMatchObject({ code: 'throttled', facts: { retryAfterMs: 299_961 } })
  })
})
