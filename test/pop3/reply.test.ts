import { describe, expect, test } from 'vitest'
import { Reply } from '../../src/pop3/reply.js'

function reply(line: string | Uint8Array, scrub = (text: string): string => text): Reply {
  return new Reply(typeof line === 'string' ? Buffer.from(line, 'latin1') : line, false, scrub)
}

describe('Reply', () => {
  test.each([
    ['+OK', 'ok'],
    ['+OK ', 'ok'],
    ['+ok fine', 'ok'],
    ['+OKglued', 'ok'],
    ['-ERR', 'error'],
    ['-err no', 'error'],
    ['-ERRglued', 'error'],
    ['+', 'continue'],
    ['+ ', 'continue'],
    ['+ VXNlcg==', 'continue'],
    ['+text', 'continue'],
    ['', 'other'],
    ['-ER', 'other'],
    ['OK', 'other'],
    ['* OK IMAP4rev1', 'other'],
    [' +OK', 'other'],
  ])('CON-07, AUT-06 %j is %s', (line, status) => {
    expect(reply(line).status).toBe(status)
  })

  test.each([
    ['-ERR [IN-USE] busy', 'IN-USE'],
    ['-ERR [sys/temp]', 'SYS/TEMP'],
    ['-ERR  [AUTH] no', 'AUTH'],
    ['-ERR see [AUTH]', undefined],
    ['-ERR [open', undefined],
  ])('response code of %j is %s', (line, code) => {
    expect(reply(line).code).toBe(code)
  })

  test('CON-06 text is UTF-8, else Latin-1, and cut', () => {
    expect(reply(Buffer.from('-ERR gesperrt für immer')).text).toBe('-ERR gesperrt für immer')
    expect(reply('-ERR \x1b[2J\xb5\xc7').text).toBe('-ERR \x1b[2J\xb5\xc7')
    expect(reply('-ERR ' + 'x'.repeat(5000)).text).toHaveLength(300)
  })

  test('SEC-02 text is scrubbed before it is cut', () => {
    const text = reply(`-ERR ${'x'.repeat(293)}canary`, (words) => words.replaceAll('canary', '***')).text
    expect(text).not.toContain('ca')
  })
})
