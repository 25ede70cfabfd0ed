import { describe, expect, it } from 'vitest'
import { contentsNames, entryName, uniquePart, uniquePartOf } from '../../src/targets/eml-zip-name.js'
import { hostileSubjects } from '../support/hostile-subjects.js'
import { message } from '../support/mail.js'

const date = Date.UTC(2004, 8, 2)

function nameOf(subject: string | Buffer, rest = ''): string {
  const head = Buffer.concat([Buffer.from('Subject: '), Buffer.from(subject), Buffer.from(`\r\n${rest}\r\n`)])
  const one = message('key', head)
  return entryName(uniquePart('alice', one), date, one.header)
}

/** What stands between the digits and the extension. */
function wordsOf(subject: string | Buffer, rest = ''): string {
  return nameOf(subject, rest).slice(36, -4)
}

describe('names of entries', () => {
  const encoded = (charset: string, bytes: string): string =>
    `=?${charset}?B?${Buffer.from(bytes, 'latin1').toString('base64')}?=`

  it.each([
    ['plain', 'Minutes of the meeting', 'Minutes-of-the-meeting'],
    ['UTF-8 words', '=?utf-8?B?44GT44KT?= =?utf-8?Q?=E3=81=AB?=', 'こんに'],
    ['a character split over two words', '=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=', 'café'],
    ['ISO-2022-JP', encoded('iso-2022-jp', '\x1b$B$3$s\x1b(B'), 'こん'],
    ['raw ISO-2022-JP', '\x1b$B$3$s\x1b(B', 'こん'],
    ['Shift_JIS', encoded('Shift_JIS', '\x82\xb1\x82\xf1'), 'こん'],
    ['EUC-JP', encoded('EUC-JP', '\xa4\xb3\xa4\xf3'), 'こん'],
    ['GB18030', encoded('GB18030', '\xc4\xe3\xba\xc3'), '你好'],
    ['KOI8-R', encoded('KOI8-R', '\xf0\xd2\xc9'), 'При'],
    ['raw UTF-8', 'café', 'café'],
    ['raw Latin-1', Buffer.from('caf\xe9', 'latin1'), 'café'],
    ['an unknown label', '=?nonsense?Q?abc?=', 'abc'],
    ['a wrong label', '=?utf-8?Q?=E9t=E9?=', 't'],
  ])('decode %s (QUIRKS MSG-04)', (_, subject, words) => {
    expect(wordsOf(subject)).toBe(words)
  })

  it('decode raw 8-bit by what the message says of itself', () => {
    const raw = Buffer.from('\x82\xb1\x82\xf1', 'latin1')
    expect(wordsOf(raw, 'Content-Type: text/plain; charset="Shift_JIS"\r\n')).toBe('こん')
  })

  it.each(hostileSubjects.map((subject) => [JSON.stringify(subject.slice(0, 30)), subject]))(
    'are plain and short for %s (QUIRKS MSG-06, ZIP-03)',
    (_, subject) => {
      const name = nameOf(subject)
      expect(name).toMatch(/^2004-09-02_[0-9a-f]{24}(_[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*)?\.eml$/u)
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120)
      expect(Buffer.from(name).toString()).toBe(name)
    },
  )

  it('differ where case, normalisation and subject count for nothing', () => {
    const names = hostileSubjects.map((subject) => nameOf(subject).normalize('NFC').toLowerCase().slice(0, 35))
    expect(hostileSubjects.length).toBeGreaterThanOrEqual(40)
    expect(new Set(names).size).toBe(new Set(hostileSubjects.map((subject) => Buffer.from(subject).toString())).size)
    const [one, twin] = ['a', 'b'].map((key) => message(key, 'Subject: same\r\n\r\n'))
    expect(uniquePart('alice', one!)).not.toBe(uniquePart('alice', twin!))
    expect(uniquePart('alice', one!)).not.toBe(uniquePart('bob', one!))
  })

  it('are known again', () => {
    for (const subject of hostileSubjects) expect(uniquePartOf(nameOf(subject))).toBe(nameOf(subject).slice(11, 35))
    expect(uniquePartOf('undated_0123456789abcdef01234567.eml')).toBe('0123456789abcdef01234567')
    for (const other of ['2004-09-02_xyz.eml', ...contentsNames, '2004-09-02_0123456789abcdef0123456.eml']) {
      expect(uniquePartOf(other)).toBeUndefined()
    }
  })
})
