import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Maildrop } from '../../src/sample/maildrop.js'
import { memoryMessage } from '../../src/sample/message.js'
import { startSampleServer, type SampleServer, type SampleServerOptions } from '../../src/sample/server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { RawClient } from './raw-client.js'

const one = 'Subject: one\r\n\r\n.first\r\nsecond\r\n'
const two = 'Subject: two\r\n\r\nno line end'
const [cert, key] = ['good.pem', 'good.key'].map((name) =>
  readFileSync(FakePop3Server.ca.replace('ca.pem', name), 'utf8'),
)

let maildrop: Maildrop
let server: SampleServer
beforeEach(async () => {
  maildrop = new Maildrop([memoryMessage('id-1', Buffer.from(one)), memoryMessage('\xff/..', Buffer.from(two))])
  server = await start({})
})
afterEach(() => server.close())

function start(options: Partial<SampleServerOptions>): Promise<SampleServer> {
  return startSampleServer({ users: new Map([['alice', { password: 'secret', maildrop }]]), ...options })
}

describe('an honest session', () => {
  it('replies to each command by the book', async () => {
    using client = await RawClient.open(server)
    expect(await client.line()).toBe('+OK popferry sample server ready')
    expect(await client.ask('STAT')).toMatch(/^-ERR /)
    await client.ask('USER alice')
    expect(await client.ask('PASS secret')).toBe('+OK 2 messages')
    const total = one.length + two.length
    for (const [command, reply] of [
      ['STAT', `+OK 2 ${total}`],
      ['list 2', `+OK 2 ${two.length}`],
      ['UIDL 1', '+OK 1 id-1'],
      ['LIST 3', '-ERR no such message'],
      ['RETR 0', '-ERR no such message'],
      ['RETR 01', '-ERR no such message'],
      ['TOP 1', '-ERR no such message'],
      ['NOOP', '+OK still here'],
      ['DELE 1', '+OK marked'],
      ['DELE 1', '-ERR no such message'],
      ['STAT', `+OK 1 ${two.length}`],
      ['RSET', '+OK nothing is marked any more'],
      ['STAT', `+OK 2 ${total}`],
      ['HELP', '-ERR unknown command'],
    ] as const) {
      expect(await client.ask(command), command).toBe(reply)
    }
  })

  it('lists and delivers byte for byte', async () => {
    using client = await RawClient.open(server)
    await client.signIn()
    await client.ask('LIST')
    expect(await client.body()).toBe(`1 ${one.length}\r\n2 ${two.length}\r\n`)
    await client.ask('UIDL')
    expect(await client.body()).toBe('1 id-1\r\n2 \xff/..\r\n')
    expect(await client.ask('RETR 1')).toBe(`+OK ${one.length} octets`)
    expect(await client.body()).toBe('Subject: one\r\n\r\n..first\r\nsecond\r\n')
    await client.ask('RETR 2')
    expect(await client.body()).toBe(`${two}\r\n`)
    await client.ask('TOP 1 1')
    expect(await client.body()).toBe('Subject: one\r\n\r\n..first\r\n')
  })

  it('answers pipelined commands in order, up to a QUIT with the end of the connection behind it', async () => {
    using client = await RawClient.open(server)
    client.socket.end('USER alice\r\nPASS secret\r\nRETR 2\r\nDELE 1\r\nQUIT\r\nNOOP\r\n')
    expect(await client.rest()).toBe(
      '+OK popferry sample server ready\r\n+OK now the password\r\n+OK 2 messages\r\n' +
        `+OK ${two.length} octets\r\n${two}\r\n.\r\n+OK marked\r\n+OK bye\r\n`,
    )
    expect(maildrop.messages.map(({ uidl }) => uidl)).toEqual(['\xff/..'])
  })

  it('deletes nothing without a QUIT (QUIRKS DEL-01) and gives the maildrop back', async () => {
    using client = await RawClient.open(server)
    await client.signIn()
    await client.ask('DELE 1')
    using second = await RawClient.open(server)
    expect(await second.signIn()).toMatch(/^-ERR \[IN-USE\]/)
    client.socket.end()
    await client.rest()
    await second.ask('USER alice')
    expect(await second.ask('PASS secret')).toBe('+OK 2 messages')
  })

  it('hangs up on an endless command', async () => {
    using client = await RawClient.open(server)
    client.socket.write(Buffer.alloc(200_000, 'x'))
    await client.rest()
    expect(client.socket.destroyed).toBe(true)
  })

  it('produces no more than the client takes', async () => {
    let produced = 0
    const piece = Buffer.alloc(64 * 1024, 'x')
    maildrop.messages = [
      {
        uidl: 'big',
        size: 2 ** 30,
        *open() {
          for (; produced < 2 ** 30; produced += piece.length) yield piece
        },
      },
    ]
    using client = await RawClient.open(server)
    await client.signIn()
    client.socket.pause()
    client.send('RETR 1')
    for (let quiet = 0, before = -1; quiet < 200 || produced === 0; quiet = produced === before ? quiet + 1 : 0) {
      before = produced
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(produced).toBeLessThan(2 ** 25)
  })
})

describe('signing in', () => {
  const response = Buffer.from('\0alice\0secret').toString('base64')

  it.each([
    ['USER and PASS', ['USER alice', 'PASS secret'], /^\+OK 2/],
    ['a wrong password', ['USER alice', 'PASS Secret'], /^-ERR \[AUTH\]/],
    ['an unknown user', ['USER bob', 'PASS secret'], /^-ERR \[AUTH\]/],
    ['PASS without USER', ['PASS secret'], /^-ERR/],
    ['AUTH PLAIN in one line', [`AUTH PLAIN ${response}`], /^\+OK 2/],
    ['AUTH PLAIN in two', ['AUTH PLAIN', response], /^\+OK 2/],
    ['AUTH PLAIN, cancelled', ['AUTH PLAIN', '*'], /^-ERR cancelled/],
    ['AUTH PLAIN with garbage', ['AUTH PLAIN !!!'], /^-ERR/],
    ['another mechanism', ['AUTH CRAM-MD5'], /^-ERR/],
    ['APOP where it is not offered', ['APOP alice 0123456789abcdef0123456789abcdef'], /^-ERR/],
  ])('%s', async (_, lines, expected) => {
    using client = await RawClient.open(server)
    await client.line()
    let reply = ''
    for (const line of lines) reply = await client.ask(line)
    expect(reply).toMatch(expected)
  })

  it('offers APOP', async () => {
    await server.close()
    server = await start({ timestamp: '<1896.697170952@localhost>' })
    using client = await RawClient.open(server)
    expect(await client.line()).toMatch(/<1896\.697170952@localhost>$/)
    expect(await client.ask('APOP alice 00000000000000000000000000000000')).toMatch(/^-ERR/)
    const digest = createHash('md5').update('<1896.697170952@localhost>secret').digest('hex')
    expect(await client.ask(`APOP alice ${digest}`)).toBe('+OK 2 messages')
  })
})

describe('TLS', () => {
  it('STLS upgrades once, forgets USER and what came early (RFC 2595 §4)', async () => {
    await server.close()
    server = await start({ tls: { cert: String(cert), key: String(key), implicit: false } })
    using client = await RawClient.open(server)
    await client.line()
    await client.ask('CAPA')
    expect(await client.body()).toContain('STLS\r\n')
    client.send('USER alice\r\nSTLS\r\nPASS secret')
    await client.line()
    expect(await client.line()).toMatch(/^\+OK/)
    await client.secure()
    expect(await client.ask('PASS secret')).toMatch(/^-ERR USER first/)
    await client.ask('CAPA')
    expect(await client.body()).not.toContain('STLS')
    expect(await client.ask('STLS')).toMatch(/^-ERR/)
    await client.ask('USER alice')
    expect(await client.ask('PASS secret')).toBe('+OK 2 messages')
    await client.ask('RETR 2')
    expect(await client.body()).toBe(`${two}\r\n`)
    expect(await client.ask('QUIT')).toBe('+OK bye')
    await client.rest()
  })

  it('speaks TLS from the first byte', async () => {
    await server.close()
    server = await start({ tls: { cert: String(cert), key: String(key), implicit: true } })
    using client = await RawClient.open(server)
    await client.secure()
    expect(await client.signIn()).toBe('+OK 2 messages')
  })

  it('survives a client that speaks no TLS', async () => {
    await server.close()
    server = await start({ tls: { cert: String(cert), key: String(key), implicit: true } })
    using rude = await RawClient.open(server)
    rude.send('CAPA')
    await rude.rest()
    using client = await RawClient.open(server)
    await client.secure()
    expect(await client.signIn()).toBe('+OK 2 messages')
  })
})
