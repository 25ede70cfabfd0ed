import { compose, draft, mailbox, received, rfc5322Date, type Draft } from './draft.js'
import { letterBody } from './letters.js'
import type { Random } from './random.js'
import { owner, people, sentence, wrapped } from './words.js'

/** The kinds of mail that break naive programs. */
export function oddities(random: Random): readonly Draft[] {
  return [...oddDates(), ...oddHeaders(), ...oddBodies(), ...twins(random), big(random)]
}

const [ada, bruno] = [people[0], people[1] ?? people[0]]
const text = 'Nothing is wrong with this message. Nearly nothing.\r\n'

function bare(
  subject: string,
  headers: readonly string[],
  body: string | Buffer = text,
  at = noon(headers.length),
): Draft {
  return draft(at, [`From: ${mailbox(ada)}`, `To: ${mailbox(owner)}`, `Subject: ${subject}`, ...headers], body)
}

/** Messages without a Received line show only what their Date says (QUIRKS MSG-03). */
function oddDates(): readonly Draft[] {
  return [
    bare('No date at all', []),
    bare('A date that is none', ['Date: (Invalid)']),
    bare('31 February', ['Date: Sat, 31 Feb 2004 10:00:00 +0000']),
    bare('Two digits', ['Date: 7 Jul 99 19:59 EST']),
    bare('A comment', ['Date: Thu, 01 Apr 2010 08:00:00 +0200 (Central European Ferry Time)']),
    bare('From the past', ['Date: Mon, 01 Jan 1900 00:00:00 +0000']),
    bare('From the future', ['Date: Fri, 31 Dec 2100 23:59:59 +0000']),
    bare('Two dates', ['Date: Sun, 02 Mar 2008 10:00:00 +0000', 'Date: Mon, 03 Mar 2008 10:00:00 +0000']),
  ]
}

function oddHeaders(): readonly Draft[] {
  const at = noon(40)
  const date = `Date: ${rfc5322Date(at)}`
  return [
    bare('No Message-ID', [date], text, at),
    bare('A folded and\r\n very\r\n\tlong subject', [date, 'Message-ID: <folded@harbour.example>'], text, at),
    bare('../../etc/passwd \\ C:\\CON.eml', [date, 'Message-ID: <../../../tmp/x>'], text, at),
    bare('=HYPERLINK("http://harbour.example"), \x1b[31mred\x1b[0m', [date], text, at),
    bare('Headers that fool mbox readers', [date, 'Content-Length: 5', 'Status: RO', 'X-UID: 7'], `${text}${text}`, at),
    draft(at, [...received(at, owner), 'this line has no colon', 'Subject: a broken header', date], text),
    draft(at, ['X-Long: ' + 'very '.repeat(2000), 'Subject: a header of ten kilobytes', date], text),
  ]
}

function oddBodies(): readonly Draft[] {
  const at = noon(80)
  const date = [`Date: ${rfc5322Date(at)}`, 'Message-ID: <body@harbour.example>']
  const dots = '.\r\n..\r\n...\r\n.hidden\r\n. \r\n'
  const froms = 'From me to you\r\n\r\nFrom the pier\r\n>From quoted\r\n>>From twice\r\n from here\r\nFROM THERE\r\n'
  return [
    bare('Lines that begin with dots', date, dots, at),
    bare('Lines that begin with From', date, froms, at),
    bare('Every byte there is', date, Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte)), at),
    bare('NUL in the middle', date, 'be\0fore\r\n', at),
    bare('Bare line feeds', date, 'one\ntwo\n.\nthree\n', at),
    bare('Carriage returns', date, 'one\rtwo\r\r\nthree\r\n', at),
    bare('No line end behind the last word', date, 'the end', at),
    bare('Blank lines at the end', date, 'the end\r\n\r\n\r\n\r\n', at),
    bare('Empty body', date, '', at),
    bare('One line of 60,000 characters', date, `${'boat '.repeat(12_000)}\r\n`, at),
    bare('Looks like a dialogue', date, '+OK 2 messages\r\n-ERR no such message\r\nQUIT\r\n', at),
    { at, bytes: Buffer.from(`Subject: Headers only\r\n${date.join('\r\n')}\r\n`) },
  ]
}

/** Two messages with the same bytes are two messages (QUIRKS MSG-01). */
function twins(random: Random): readonly Draft[] {
  const body = letterBody(random, bruno)
  const twin = compose({ from: bruno, to: owner, subject: 'Seeing double', at: noon(120), body })
  return [twin, twin]
}

/** A logbook of about 2.5 MB. */
function big(random: Random): Draft {
  let log = ''
  for (let day = 1; log.length < 2_500_000; day++)
    log += `Day ${day}. ${wrapped(sentence('{fact} {fact}', random))}\r\n`
  return compose({ from: bruno, to: owner, subject: 'The complete logbook', at: noon(200), body: log })
}

function noon(days: number): Date {
  return new Date(Date.UTC(2012, 0, 1, 12) + days * 86_400_000)
}
