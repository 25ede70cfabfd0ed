import type { Chunks } from './message.js'

/**
 * The body of a multi-line reply (RFC 1939 §3): dots at line starts stuffed, a missing final CRLF added as Dovecot does
 * (QUIRKS RET-10, RET-27), the terminator behind. Only CRLF ends a line; a bare LF is content.
 */
export async function* stuffed(chunks: Chunks): AsyncGenerator<Uint8Array> {
  let last = ''
  for await (const chunk of chunks) {
    const bytes = asBuffer(chunk)
    let start = 0
    if (last.endsWith('\r') && bytes[0] === lf && bytes[1] === dotByte) {
      yield bytes.subarray(0, 1)
      yield dot
      start = 1
    } else if ((last === '' || last === '\r\n') && bytes[0] === dotByte) {
      yield dot
    }
    for (let at = start; (at = bytes.indexOf(crlfDot, at)) >= 0;) {
      at += 2
      yield bytes.subarray(start, at)
      yield dot
      start = at
    }
    yield bytes.subarray(start)
    last = (last + bytes.toString('latin1', Math.max(0, bytes.length - 2))).slice(-2)
  }
  yield last === '\r\n' ? terminator : lineAndTerminator
}

/** The header, the blank line and the first `count` lines of the body, for TOP (RFC 1939 §7). */
export async function* firstLines(chunks: Chunks, count: number): AsyncGenerator<Uint8Array> {
  let inBody = false
  let blank = true
  let left = count
  for await (const chunk of chunks) {
    const bytes = asBuffer(chunk)
    for (let at = 0; at < bytes.length;) {
      const lineFeed = bytes.indexOf(lf, at)
      const end = lineFeed < 0 ? bytes.length : lineFeed
      blank &&= end === at || (end === at + 1 && bytes[at] === cr)
      at = end + 1
      if (lineFeed < 0) break
      if (inBody) left--
      else inBody = blank
      blank = true
      if (!inBody || left > 0) continue
      yield bytes.subarray(0, at)
      return
    }
    yield bytes
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const cr = 0x0d
const lf = 0x0a
const dotByte = 0x2e
const dot = Buffer.from('.')
const crlfDot = Buffer.from('\r\n.')
const terminator = Buffer.from('.\r\n')
const lineAndTerminator = Buffer.from('\r\n.\r\n')
