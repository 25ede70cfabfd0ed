import { describe, expect, it } from 'vitest'
import { serverName, toModifiedUtf7 } from '../../src/imap/mailbox-name.js'

describe('toModifiedUtf7', () => {
  it.each([
    // RFC 3501 §5.1.3
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['Arch & 日本', 'Arch &- &ZeVnLA-'],
    ['Ж😀', '&BBbYPd4A-'],
    ['plain "quoted" \\ name', 'plain "quoted" \\ name'],
    ['tab\there', 'tab&AAk-here'],
    ['&-&', '&--&-'],
  ])('encodes %s', (name, encoded) => {
    expect(toModifiedUtf7(name)).toBe(encoded)
  })
})

describe('serverName (QUIRKS APP-15)', () => {
  it.each([
    ['Archive/2026', '', '/', 'Archive/2026'],
    ['Archive/2026', 'INBOX.', '.', 'INBOX.Archive.2026'],
    ['inbox', 'INBOX.', '.', 'INBOX'],
    ['Inbox/Old', 'INBOX.', '.', 'INBOX.Old'],
    ['Inbox/Old', '', '/', 'INBOX/Old'],
    ['a.b/c', '', '.', 'a_b.c'],
    ['single', '', undefined, 'single'],
    ['two/levels', '', undefined, undefined],
  ])('writes %s with prefix "%s" and delimiter %s as %s', (folder, prefix, delimiter, name) => {
    expect(serverName(folder, { prefix, delimiter })).toBe(name)
  })
})
