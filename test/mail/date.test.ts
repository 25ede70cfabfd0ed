import { describe, expect, it } from 'vitest'
import { parseDate, ruleDate } from '../../src/mail/date.js'

const now = Date.UTC(2026, 0, 1)
const header = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString())

describe('parseDate (QUIRKS MSG-03)', () => {
  it.each([
    ['Mon, 2 Jan 2006 15:04:05 -0700', '2006-01-02T22:04:05.000Z'],
    ['2 Jan 2006 15:04 GMT', '2006-01-02T15:04:00.000Z'],
    ['Mon, 02 Jan 06 15:04:05 EST', '2006-01-02T20:04:05.000Z'],
    ['2 Jan 99 15:04:05 +0000', '1999-01-02T15:04:05.000Z'],
    ['2 Jan 106 15:04:05 +0000', '2006-01-02T15:04:05.000Z'],
    ['Mon, 2 Jan 2006 15:04:05 (hour (nested)) +0900 (JST)', '2006-01-02T06:04:05.000Z'],
    ['31 Dec 2016 23:59:60 +0000', '2016-12-31T23:59:59.000Z'],
    ['Monday, 2-January-2006 15:04:05 UT', '2006-01-02T15:04:05.000Z'],
    ['2 Jan 2006 15:04:05', '2006-01-02T15:04:05.000Z'],
  ])('%s', (text, expected) => {
    expect(iso(parseDate(text))).toBe(expected)
  })

  it.each([
    '',
    '(Invalid)',
    '31 Feb 2020 10:00:00 +0000',
    '1 Foo 2020 10:00:00 +0000',
    '1 Jan 2020 25:00:00 +0000',
    '1 Jan 2020 10:61:00 +0000',
    '2020-01-01T00:00:00Z',
    '1 Jan 2020',
    '1 Jan 2020 10:00:00 +0099',
    '('.repeat(100_000),
  ])('refuses %j', (text) => {
    expect(parseDate(text)).toBeUndefined()
  })
})

describe('ruleDate', () => {
  const both = header(
    'Received: from a by b; Tue, 3 Jan 2006 00:00:00 +0000\r\nReceived: from c; Mon, 2 Jan 2006 00:00:00 +0000\r\n' +
      'DATE : Sun, 1 Jan 2006 00:00:00 +0000\r\n\r\n',
  )

  it('takes the top-most Received, else Date', () => {
    expect(iso(ruleDate(both, 'received', now))).toBe('2006-01-03T00:00:00.000Z')
    expect(iso(ruleDate(both, 'date', now))).toBe('2006-01-01T00:00:00.000Z')
    expect(ruleDate(both, 'now', now)).toBe(now)
  })

  it.each([
    [
      'Received: x; Mon, 1 Jan 1900 00:00:00 +0000\nDate: Sun, 1 Jan 2006 00:00:00 +0000\n\n',
      '2006-01-01T00:00:00.000Z',
    ],
    [
      'Received: x; nonsense\r\n  folded\r\nDate:\r\n Sun, 1 Jan 2006\r\n 00:00:00 +0000\r\n\r\n',
      '2006-01-01T00:00:00.000Z',
    ],
    ['Date: Sun, 4 Jan 2026 00:00:00 +0000\r\n\r\n', undefined],
    ['Date: Fri, 2 Jan 2026 23:00:00 +0000\r\n\r\n', '2026-01-02T23:00:00.000Z'],
    ['Date: Thu, 1 Jan 275760 00:00:00 +0000\r\n\r\n', undefined],
    ['Dateline: Sun, 1 Jan 2006 00:00:00 +0000\r\n\r\n', undefined],
    ['Subject: \xff\xfe\r\n\r\n', undefined],
    ['', undefined],
  ])('%j', (text, expected) => {
    expect(iso(ruleDate(header(text), 'received', now))).toBe(expected)
  })
})
