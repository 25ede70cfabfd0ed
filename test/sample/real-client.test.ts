import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Pop3Client, type Pop3Options } from '../../src/pop3/client.js'
import { Secret } from '../../src/ports/secret.js'
import { asServed } from '../support/fake-maildrop.js'
import { FakePop3Server, type FakeOptions } from '../support/fake-pop3-server.js'

const folder = new URL('../../fixtures/mail/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.eml'))
const messages = names.map((name) => readFileSync(new URL(name, folder)))

// The program's own client against the server: neither must agree with the other only by accident.
describe('the fixtures arrive byte for byte (QUIRKS RET-01, RET-08, RET-09, CON-13)', () => {
  it.each<[string, FakeOptions]>([
    ['in large pieces', {}],
    ['over STLS', { tls: 'starttls' }],
    ['byte by byte', { segmentBytes: 1 }],
    ['in sevens over TLS', { segmentBytes: 7, tls: 'implicit' }],
  ])('%s', async (_, options) => {
    await using server = await FakePop3Server.start({ messages, ...options })
    const client = await Pop3Client.open(settings(server, options.tls ?? 'none'), new AbortController().signal)
    for (const [index, bytes] of messages.entries()) {
      const pieces: Buffer[] = []
      const reply = await client.wire.ask(`RETR ${index + 1}`)
      const sink = { write: (piece: Uint8Array) => void pieces.push(Buffer.from(piece)) }
      const { unstuffedDot } = await client.body(reply, sink, Infinity)
      expect(unstuffedDot).toBe(false)
      expect(Buffer.concat(pieces).equals(asServed(bytes)), names[index]).toBe(true)
    }
    await client.quit()
    expect(server.sessions[0]).toMatchObject({ quit: true, user: 'alice' })
  })
})

function settings({ host, port }: FakePop3Server, tls: Pop3Options['tls']): Pop3Options {
  return {
    host,
    port,
    tls,
    tlsSettings: { ca: readFileSync(FakePop3Server.ca, 'utf8') },
    credentials: { user: 'alice', password: new Secret('secret'), mechanism: 'auto' },
    patience: { connect: 10_000, reply: 10_000, stall: 10_000 },
    capa: true,
    experience: { unfit: new Set(), tokenInLine: false },
  }
}
