import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sampleMailbox } from '../../src/sample/mailbox.js'
import { startSampleServer } from '../../src/sample/server.js'
import { Maildrop } from '../../src/sample/maildrop.js'
import type { SampleMessage } from '../../src/sample/message.js'
import { asServed } from '../support/fake-maildrop.js'
import { RawClient } from './raw-client.js'

describe('sampleMailbox', () => {
  const messages = sampleMailbox()
  const all = messages.map(bytesOf)

  it('has 300 messages with ids of their own and true sizes, a few MB in all', () => {
    expect(messages).toHaveLength(300)
    expect(new Set(messages.map(({ uidl }) => uidl)).size).toBe(300)
    expect(messages.map(({ size }) => size)).toEqual(all.map(({ length }) => length))
    expect(all.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(5_000_000)
    expect(Math.max(...all.map(({ length }) => length))).toBeGreaterThan(2_000_000)
  })

  it('is the same every time', () => {
    const again = sampleMailbox()
    expect(again.map(({ uidl }) => uidl)).toEqual(messages.map(({ uidl }) => uidl))
    expect(digest(Buffer.concat(again.map(bytesOf)))).toBe(digest(Buffer.concat(all)))
  })

  it.each<[string, RegExp, number]>([
    ['twins, the same bytes twice', /Subject: Seeing double/, 2],
    ['attachments', /^Content-Disposition: attachment/m, 32],
    ['HTML', /Content-Type: text\/html/, 16],
    ['mail of the list', /^List-Id:/m, 80],
    ['encoded words in Japanese charsets', /=\?(?:ISO-2022-JP|Shift_JIS)\?B\?/, 2],
    ['raw 8-bit header lines', /^Subject: .*[\x80-\xff]/m, 2],
    ['no Date', /^(?!Date:)(?:(?!\r\n\r\n|\nDate:)[^])*\r\n\r\n/, 1],
    ['a body with NUL', /\0/, 2],
    ['From at the start of a line', /\nFrom me/, 1],
    ['a lone dot in a line', /\r\n\.\r\n/, 1],
    ['a bare line feed', /[^\r]\n/, 2],
    ['no line end at the end', /[^\n]$/, 2],
    ['nothing behind the header', /^(?:(?!\r\n\r\n)[^])*(?:\r\n){1,2}$/, 2],
  ])('has %s', (_, pattern, count) => {
    const found = all.filter((bytes) => pattern.test(bytes.toString('latin1')))
    expect(found.length).toBe(count)
  })

  it('comes through the sample server byte for byte', async () => {
    const users = new Map([['sample', { password: 'sample', maildrop: new Maildrop(messages) }]])
    const server = await startSampleServer({ users })
    try {
      using client = await RawClient.open(server)
      client.send(`USER sample\r\nPASS sample\r\n${all.map((_, i) => `RETR ${i + 1}\r\n`).join('')}QUIT`)
      for (let line = 0; line < 3; line++) await client.line()
      for (const bytes of all) {
        expect(await client.line()).toBe(`+OK ${bytes.length} octets`)
        const lines = (await client.body()).split('\r\n').map((line) => (line.startsWith('.') ? line.slice(1) : line))
        expect(lines.join('\r\n') === asServed(bytes).toString('latin1')).toBe(true)
      }
    } finally {
      await server.close()
    }
  })
})

function bytesOf(message: SampleMessage): Buffer {
  return Buffer.concat([...(message.open() as Iterable<Uint8Array>)])
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
