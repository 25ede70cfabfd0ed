import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asctime, fromLineStart, MboxDecoder, MboxEncoder, type MboxForm } from '../../src/mail/mbox.js'

const forms: readonly MboxForm[] = (['mboxrd', 'mboxo', 'mboxcl2'] as const).flatMap((variant) =>
  (['lf', 'crlf'] as const).map((newline) => ({ variant, newline })),
)
const pieces = fc.array(
  fc.constantFrom('From ', '>From ', '>>From ', 'F', 'rom ', '>', '\r\n', '\n', '\r', 'x', 'From:', 'from '),
  { maxLength: 30 },
)

/** Each piece in the memory of the one before. */
function run(coder: { push(bytes: Uint8Array): Uint8Array; end(): Uint8Array }, text: string, size: number): string {
  const out: Buffer[] = []
  const memory = Buffer.alloc(size)
  for (let at = 0; at < text.length; at += size) {
    out.push(Buffer.from(coder.push(memory.subarray(0, memory.write(text.slice(at, at + size), 'latin1')))))
  }
  out.push(Buffer.from(coder.end()))
  return Buffer.concat(out).toString('latin1')
}

describe.each(forms)('mbox form $variant $newline', (form) => {
  it('gives the same bytes in any chunking (QUIRKS MBX-02)', () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 9 }), (parts, size) => {
        const text = parts.join('')
        expect(run(new MboxEncoder(form), text, size)).toBe(run(new MboxEncoder(form), text, 10_000))
      }),
    )
  })

  it('can be turned back exactly unless it says lossy (QUIRKS MBX-01)', () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 9 }), (parts, size) => {
        const text = parts.join('')
        const encoder = new MboxEncoder(form)
        const stored = run(encoder, text, size)
        if (encoder.lossy) return
        expect(run(new MboxDecoder(form, encoder.newlineAdded), stored, size)).toBe(text)
      }),
    )
  })

  it('leaves no line that looks like a From_ line, but for mboxcl2', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        if (form.variant === 'mboxcl2') return
        expect(run(new MboxEncoder(form), parts.join(''), 7)).not.toMatch(/(^|\n)From /)
      }),
    )
  })
})

it.each([
  ['mboxrd', 'From a\n>From b\n>>From c\nfrom d\nFrom:e\n', '>From a\n>>From b\n>>>From c\nfrom d\nFrom:e\n', false],
  ['mboxo', 'From a\n>From b\n', '>From a\n>From b\n', true],
  ['mboxo', 'From a\nb', '>From a\nb\n', false],
  ['mboxcl2', 'From a\n>From b\n', 'From a\n>From b\n', false],
] as const)('%s: %j', (variant, text, stored, lossy) => {
  const encoder = new MboxEncoder({ variant, newline: 'crlf' })
  expect(run(encoder, text, 3).replace('b\r\n', 'b\n')).toBe(stored)
  expect(encoder.lossy).toBe(lossy)
})

it.each([
  ['Return-Path: <a@b.example>\r\n\r\n', 'From a@b.example '],
  ['return-path:x@y\n\n', 'From x@y '],
  ['Return-Path: <>\r\n\r\n', 'From MAILER-DAEMON '],
  ['Return-Path: <a b@c>\r\n\r\n', 'From MAILER-DAEMON '],
  ['Return-Path: <a@b\x00c>\r\n\r\n', 'From MAILER-DAEMON '],
  ['Return-Path: <a\r\n From x@y>\r\n\r\n', 'From MAILER-DAEMON '],
  ['', 'From MAILER-DAEMON '],
])('takes %j for the From_ line (QUIRKS MBX-03)', (header, line) => {
  expect(fromLineStart(Buffer.from(header, 'latin1'))).toBe(line)
})

it('writes asctime in UTC with a padded day', () => {
  expect(asctime(0)).toBe('Thu Jan  1 00:00:00 1970')
  expect(asctime(Date.UTC(2026, 10, 24, 8, 5, 9))).toBe('Tue Nov 24 08:05:09 2026')
})
