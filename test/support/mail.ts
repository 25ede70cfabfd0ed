import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Message, MessageKey } from '../../src/ports/message.js'

/** A message as the engine hands it to a target. `inParts`: readable through `open` alone, so many octets at a time. */
export function message(key: string, content: string | Buffer, inParts?: number): Message {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  return {
    key: key as MessageKey,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    header: headerOf(bytes),
    bytes: inParts === undefined ? bytes : undefined,
    open: async function* () {
      const step = inParts ?? bytes.length
      for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
    },
  }
}

function headerOf(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  return Buffer.from(/^(?:[\s\S]*?\n)?\r?\n/.exec(text)?.[0] ?? text, 'latin1')
}

/** A plain letter with a date; `size` octets of text. */
export function letter(subject: string, size = 40): string {
  const head = `Return-Path: <ada@harbour.example>\r\nReceived: from a by b; ${letterDate}\r\nSubject: ${subject}\r\n\r\n`
  return `${head}${`${'x'.repeat(70)}\r\n`.repeat(Math.ceil(size / 72))}`
}

export const letterDate = 'Thu, 2 Sep 2004 08:00:00 +0000'

const folder = new URL('../../fixtures/mail/', import.meta.url)

/** The odd ones: every fixture, and what no mail program would send. Names for the tests, and bytes. */
export const oddMail: readonly (readonly [string, Buffer])[] = [
  ...readdirSync(folder)
    .filter((name) => name.endsWith('.eml'))
    .map((name) => [name, readFileSync(new URL(name, folder))] as const),
  ...Object.entries({
    'an empty message': '',
    'a header without a blank line': 'Subject: a\r\n',
    'a line end alone': '\r\n',
    'no final newline': 'Subject: a\r\n\r\nlast line',
    'bare LF': 'Subject: a\n\nlf\n',
    'lone CR, CR CR LF, and CR at the end': 'Subject: a\r\n\r\na\rb\r\r\nc\r',
    'From lines everywhere': 'From a@b Mon\r\n>From c\r\n\r\nFrom d\r\n>>From e\r\n\r\nFrom f\r\nFrom',
    'leading dots': 'Subject: a\r\n\r\n.\r\n..\r\n.a\r\n',
    'blank lines at both ends': '\r\n\r\nSubject: a\r\n\r\n\r\n\r\n',
  }).map(([name, text]) => [name, Buffer.from(text, 'latin1')] as const),
  ['every byte value', Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256))],
]
