import { createHash } from 'node:crypto'
import { type DateRule, ownDate, ruleDate } from '../mail/date.js'
import { asctime, fromLineStart, MboxEncoder, type MboxForm, newlineBytes } from '../mail/mbox.js'
import type { Flag, Message } from '../ports/message.js'

/** How one message stands in the file: From_ line, message in its stored form, blank line. */
export interface Encoding {
  /** `From <address> `: the same in every run, while the date behind it may be that of the copy. */
  readonly fromStart: Uint8Array
  /** The rest of the From_ line, its line end included. */
  readonly fromEnd: Uint8Array
  /** Octets of everything but the blank line. */
  readonly length: number
  /** Octets of everything. */
  readonly total: number
  readonly flags: readonly Flag[]
  /** The message's own date, ms since 1970. */
  readonly date: number | undefined
  /** SHA-256 of the message's stored form where it cannot be turned back. */
  readonly stored: string | undefined
  /** What follows the From_ line, the blank line included; in one part for a message in memory. */
  rest(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export async function encode(message: Message, form: MboxForm, rule: DateRule, now: number): Promise<Encoding> {
  const date = ruleDate(message.header, rule, now)
  const fromStart = Buffer.from(fromLineStart(message.header), 'latin1')
  const newline = newlineBytes(form.newline)
  const fromEnd = Buffer.concat([Buffer.from(asctime(date ?? 0)), newline])
  const measure = await measured(message, form)
  const head = measure.bodyLength === undefined ? [] : [contentLength(measure.bodyLength, newline)]
  const rest = measure.bytes
    ? (): Iterable<Uint8Array> => [...head, ...(measure.bytes ?? []), newline]
    : async function* (): AsyncIterable<Uint8Array> {
        yield* head
        yield* encodedParts(message, new MboxEncoder(form))
        yield newline
      }
  const flags: Flag[] = [...measure.flags, ...(date === undefined ? ['date-missing' as const] : [])]
  const length = fromStart.length + fromEnd.length + (head[0]?.length ?? 0) + measure.length
  const total = length + newline.length
  const own = ownDate(message.header, rule, date)
  return { fromStart, fromEnd, length, total, flags, date: own, stored: measure.stored, rest }
}

interface Measure {
  readonly bytes: readonly Uint8Array[] | undefined
  readonly length: number
  /** For mboxcl2: octets behind the header. */
  readonly bodyLength: number | undefined
  readonly flags: readonly Flag[]
  readonly stored: string | undefined
}

/** Encodes once to learn lengths and flags; keeps the result only for a message that is in memory anyway. */
async function measured(message: Message, form: MboxForm): Promise<Measure> {
  const encoder = new MboxEncoder(form)
  const hash = createHash('sha256')
  const header = form.variant === 'mboxcl2' ? new HeaderEnd() : undefined
  const kept: Uint8Array[] = []
  let length = 0
  const take = (part: Uint8Array): void => {
    length += part.length
    header?.push(part)
    if (message.bytes) kept.push(part)
    else hash.update(part)
  }
  if (message.bytes) {
    take(encoder.push(message.bytes))
    take(encoder.end())
  } else {
    for await (const part of encodedParts(message, encoder)) take(part)
  }
  if (encoder.lossy) for (const part of kept) hash.update(part)
  return {
    bytes: message.bytes && kept,
    length,
    bodyLength: header && (header.at === undefined ? 0 : length - header.at),
    flags: [
      ...(encoder.newlineAdded ? ['newline-added' as const] : []),
      ...(encoder.lossy ? ['lossy-form' as const] : []),
    ],
    stored: encoder.lossy ? hash.digest('hex') : undefined,
  }
}

async function* encodedParts(message: Message, encoder: MboxEncoder): AsyncIterable<Uint8Array> {
  for await (const chunk of message.open()) yield encoder.push(chunk)
  yield encoder.end()
}

function contentLength(octets: number, newline: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`Content-Length: ${octets}`), newline])
}

/** Finds where the body starts in bytes that come in parts. */
class HeaderEnd {
  /** Octets up to and with the first blank line. */
  at: number | undefined
  #seen = 0
  #emptyLine = true

  push(bytes: Uint8Array): void {
    for (let index = 0; this.at === undefined && index < bytes.length; index++) {
      const byte = bytes[index]
      if (byte === lf && this.#emptyLine) this.at = this.#seen + index + 1
      if (byte !== cr) this.#emptyLine = byte === lf
    }
    this.#seen += bytes.length
  }
}

const lf = 0x0a
const cr = 0x0d
