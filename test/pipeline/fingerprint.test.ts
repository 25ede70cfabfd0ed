import { describe, expect, it } from 'vitest'
import { fingerprint, isMultipart } from '../../src/pipeline/fingerprint.js'

const of = (...lines: readonly string[]): string => fingerprint(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
const header = ['Message-ID: <1@x>', 'Subject: a b', 'Content-Type: multipart/mixed; charset=x; boundary="=_1;2"']

describe('a fingerprint', () => {
  it.each([
    ['boundary', ['Message-ID: <1@x>', 'Subject: a b', 'Content-Type: multipart/mixed; charset=x; boundary=other']],
    ['order and case of names', ['subject: a b', 'MESSAGE-ID: <1@x>', ...header.slice(2)]],
    [
      'folding',
      ['Message-ID:\r\n <1@x>', 'Subject: a\r\n\tb', 'Content-Type: multipart/mixed; charset=x;\r\n boundary=o'],
    ],
    ['trace and status', ['Return-Path: <>', 'Received: by x', 'X-UIDL: 5', 'Status: RO', ...header, 'Lines: 4']],
    ['bare line feeds', [header.join('\n')]],
  ])('does not change with the %s (QUIRKS RET-23)', (_, lines) => {
    expect(of(...lines)).toBe(of(...header))
    expect(of(...header)).toMatch(/^[0-9a-f]{32}$/)
  })

  it.each([
    ['another subject', ['Message-ID: <1@x>', 'Subject: a c', ...header.slice(2)]],
    ['a field less', header.slice(1)],
    ['another kind of content', [...header.slice(0, 2), 'Content-Type: multipart/mixed; charset=y; boundary="=_1;2"']],
    ['a boundary in another field', [...header, 'X-Note: ; boundary=1']],
  ])('changes with %s', (_, lines) => {
    expect(of(...lines)).not.toBe(of(...header))
  })

  it('is not slow with a hostile header', () => {
    const hostile = Buffer.from(
      `Content-Type: multipart/x${'; boundary '.repeat(20_000)}\r\n${'\r\n '.repeat(20_000)}\r\n\r\n`,
    )
    const startedAt = performance.now()
    fingerprint(hostile)
    isMultipart(hostile)
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })
})

it.each([
  ['Content-Type: multipart/mixed', true],
  ['content-type:\r\n Multipart/Alternative; x', true],
  ['Content-Type: text/plain; x=multipart/mixed', false],
  ['X-Content-Type: multipart/mixed', false],
])('%j is multipart: %s', (line, expected) => {
  expect(isMultipart(Buffer.from(`From: a\r\n${line}\r\n\r\n`))).toBe(expected)
})
