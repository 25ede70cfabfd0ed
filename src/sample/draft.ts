import { createHash } from 'node:crypto'

export interface Person {
  readonly name: string
  readonly address: string
}

/** A message and the moment at which it arrived. */
export interface Draft {
  readonly at: Date
  readonly bytes: Buffer
}

export interface Letter {
  readonly from: Person
  readonly to: Person
  readonly subject: string
  readonly at: Date
  /** Further header lines. */
  readonly headers?: readonly string[]
  /** Lines that end in CRLF; a text becomes UTF-8. */
  readonly body: string | Buffer
}

/** An ordinary message as a mail server keeps it. */
export function compose(letter: Letter): Draft {
  const { from, to, subject, at, headers = [], body } = letter
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const plain = headers.some((line) => line.startsWith('Content-Type:')) || bytes.every((byte) => byte < 0x80)
  return draft(at, [
    ...received(at, to),
    `From: ${mailbox(from)}`,
    `To: ${mailbox(to)}`,
    `Subject: ${headerText(subject)}`,
    `Date: ${rfc5322Date(at)}`,
    `Message-ID: ${messageId(letter)}`,
    ...headers,
    ...(plain ? [] : textHeaders('utf-8')),
  ], bytes) // prettier-ignore
}

/** A message of exactly these header lines (Latin-1) and this body. */
export function draft(at: Date, headers: readonly string[], body: string | Buffer): Draft {
  const head = Buffer.from(`${headers.join('\r\n')}\r\n\r\n`, 'latin1')
  return { at, bytes: Buffer.concat([head, typeof body === 'string' ? Buffer.from(body) : body]) }
}

export function received(at: Date, to: Person): readonly string[] {
  return [
    `Return-Path: <bounces@harbour.example>`,
    `Received: from mail.harbour.example (mail.harbour.example [192.0.2.25])`,
    `\tby mx.island.example with ESMTP id ${shortId(at.toISOString())}`,
    `\tfor <${to.address}>; ${rfc5322Date(at)}`,
  ]
}

export function textHeaders(charset: string, encoding = '8bit'): readonly string[] {
  return ['MIME-Version: 1.0', `Content-Type: text/plain; charset=${charset}`, `Content-Transfer-Encoding: ${encoding}`]
}

/** `Tue, 03 Mar 1998 10:11:12 +0000`. */
export function rfc5322Date(at: Date): string {
  return at.toUTCString().replace('GMT', '+0000')
}

export function messageId({ from, subject, at }: Pick<Letter, 'from' | 'subject' | 'at'>): string {
  return `<${shortId(`${from.address} ${subject} ${at.toISOString()}`)}@harbour.example>`
}

export function mailbox({ name, address }: Person): string {
  return `${headerText(name)} <${address}>`
}

/** Text beyond ASCII as encoded words (RFC 2047), none of them cutting a character. */
function headerText(text: string): string {
  if (/^[ -~]*$/.test(text)) return text
  const words: string[] = ['']
  for (const character of text) {
    const word = words.at(-1) ?? ''
    if (Buffer.byteLength(word + character) > 45) words.push(character)
    else words[words.length - 1] = word + character
  }
  return words.map((word) => encodedWord('utf-8', Buffer.from(word))).join('\r\n ')
}

export function encodedWord(charset: string, bytes: Buffer): string {
  return `=?${charset}?B?${bytes.toString('base64')}?=`
}

export function shortId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

/** Base64 in lines of 76 characters, each with its CRLF. */
export function base64Lines(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll(/.{1,76}/g, '$&\r\n')
}
