import { describe, expect, it } from 'vitest'
import { withoutReaderLines } from '../../src/mail/reader-lines.js'

describe('withoutReaderLines', () => {
  it.each([
    ['Status: RO\nSubject: x\n\nStatus: body\n', 'Subject: x\n\nStatus: body\n'],
    ['Subject: x\r\nX-Keywords: a\r\n b\r\n\tc\r\nTo: y\r\n\r\n', 'Subject: x\r\nTo: y\r\n\r\n'],
    ['Subject: x\n folded\nx-status: A\nX-UID: 1', 'Subject: x\n folded\n'],
    ['Content-Length: 5\nLines: 1\n\nabcd\n', '\nabcd\n'],
  ])('%j', (text, expected) => {
    expect(withoutReaderLines(Buffer.from(text))?.toString()).toBe(expected)
  })

  it.each([
    '',
    '\nStatus: RO\n',
    'Subject: x\n\nStatus: RO\n',
    'X-Statuses: 1\n\n',
    'Subject: Status:\n Status: RO\n\n',
  ])('nothing in %j', (text) => {
    expect(withoutReaderLines(Buffer.from(text))).toBeUndefined()
  })
})
