import { createHash } from 'node:crypto'
import type { Message } from '../ports/message.js'

/** A message as a strict server accepts it. */
export interface ChangedForm extends Pick<Message, 'size' | 'bytes' | 'open'> {
  readonly sha256: string
}

/**
 * CRLF for every line end, one at the end, and 0x80 for NUL, as Dovecot stores it; undefined where nothing would change
 * (QUIRKS APP-10, APP-11).
 */
export async function leastChange(message: Message): Promise<ChangedForm | undefined> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of changed(message)) {
    hash.update(chunk)
    size += chunk.length
  }
  const sha256 = hash.digest('hex')
  return sha256 === message.sha256 ? undefined : { sha256, size, bytes: undefined, open: () => changed(message) }
}

/** CRLF everywhere, at the end as well, and no NUL: no server has a reason to change it. */
export async function isPlain(message: Message): Promise<boolean> {
  if (!message.bytes) return (await leastChange(message)) === undefined
  const text = Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.length).toString('latin1')
  return text.endsWith('\r\n') && !/\0|(?<!\r)\n|\r(?!\n)/.test(text)
}

async function* changed(message: Message): AsyncIterable<Uint8Array> {
  let heldCr = false
  let endsLine = true
  for await (const chunk of message.open()) {
    const out = Buffer.allocUnsafe(2 * chunk.length + 2)
    let length = 0
    for (const byte of chunk) {
      if (heldCr || byte === lf) {
        out[length++] = cr
        out[length++] = lf
        endsLine = true
      }
      const second = heldCr && byte === lf
      heldCr = byte === cr
      if (byte === cr || byte === lf || second) continue
      out[length++] = byte === 0 ? nul : byte
      endsLine = false
    }
    yield out.subarray(0, length)
  }
  if (heldCr || !endsLine) yield Buffer.of(cr, lf)
}

const cr = 0x0d
const lf = 0x0a
const nul = 0x80
