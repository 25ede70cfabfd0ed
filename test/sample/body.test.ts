import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstLines, stuffed } from '../../src/sample/body.js'
import { asServed } from '../support/fake-maildrop.js'

describe('stuffed', () => {
  it.each([
    ['a dot as the very first byte', '.x\r\n', '..x\r\n.\r\n'],
    ['a lone dot', 'a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
    ['two dots', 'a\r\n..\r\n', 'a\r\n...\r\n.\r\n'],
    ['dots in a row of lines', '\r\n.\r\n.\r\n', '\r\n..\r\n..\r\n.\r\n'],
    ['a dot behind a bare LF', 'a\n.\nb\r\n', 'a\n.\nb\r\n.\r\n'],
    ['a dot behind a lone CR', 'a\r.b\r\n', 'a\r.b\r\n.\r\n'],
    ['no final line end', 'a', 'a\r\n.\r\n'],
    ['a bare LF at the end', 'a\n', 'a\n\r\n.\r\n'],
    ['a CR at the end', 'a\r', 'a\r\r\n.\r\n'],
    ['a dot at the end', 'a\r\n.', 'a\r\n..\r\n.\r\n'],
    ['nothing (QUIRKS RET-27)', '', '\r\n.\r\n'],
    ['blank lines at the end (QUIRKS RET-10)', 'a\r\n\r\n\r\n', 'a\r\n\r\n\r\n.\r\n'],
  ])('handles %s, wherever the pieces are cut', async (_, message, reply) => {
    for (let cut = 0; cut <= message.length; cut++) {
      expect(await text(stuffed([Buffer.from(message.slice(0, cut)), Buffer.from(message.slice(cut))]))).toBe(reply)
    }
    expect(await text(stuffed(Array.from(message, (byte) => Buffer.from(byte))))).toBe(reply)
  })

  it('can be undone by the book for any bytes in any pieces', async () => {
    const piece = fc.array(fc.constantFrom('.', '\r', '\n', '\r\n', '\r\n.', 'a', '\0', 'é'), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (list) => {
        const chunks = list.map((part) => Buffer.from(part.join('')))
        const reply = await text(stuffed(chunks))
        expect(reply.indexOf('\r\n.\r\n', 0)).toBe(reply === '.\r\n' ? -1 : reply.length - 5)
        const lines = reply.slice(0, -3).split('\r\n')
        const undone = lines.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n')
        expect(undone).toBe(asServed(Buffer.concat(chunks)).toString('latin1'))
      }),
    )
  })
})

describe('firstLines', () => {
  const message = 'A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\nthree'

  it.each([
    [0, 'A: 1\r\nB: 2\r\n\r\n'],
    [1, 'A: 1\r\nB: 2\r\n\r\none\r\n'],
    [2, 'A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n'],
    [9, message],
  ])('gives the header and %i lines, in any pieces', async (count, expected) => {
    expect(await text(firstLines([Buffer.from(message)], count))).toBe(expected)
    expect(
      await text(
        firstLines(
          Array.from(message, (byte) => Buffer.from(byte)),
          count,
        ),
      ),
    ).toBe(expected)
  })

  it('gives a header without a body whole', async () => {
    expect(await text(firstLines([Buffer.from('A: 1\nB: 2')], 0))).toBe('A: 1\nB: 2')
  })
})

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString('latin1')
}
