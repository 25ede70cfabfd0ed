import type { Pop3Client } from '../pop3/client.js'
import { isThrottle } from '../pop3/refusal.js'

export interface HeaderRequest {
  /** The message's number. */
  readonly number: number
  /** Octets that no message of its listed size can have. */
  readonly most: number
  /** Throws where the server does not agree that its reply has ended (QUIRKS RET-04). */
  readonly requireEnd: () => Promise<void>
}

export interface HeaderMode {
  readonly pipelined: boolean
  /** The wait for the first byte of a reply, ms. */
  readonly replyMs: number
}

/**
 * The header blocks of messages, in their order: `TOP n 0` (RFC 1939 §7). Undefined for one that the server refuses; ends
 * early where it refuses one after another. A header may lack fields (QUIRKS RET-24): a date that is missing says nothing.
 */
export async function* readHeaders(
  client: Pop3Client,
  requests: readonly HeaderRequest[],
  { pipelined, replyMs }: HeaderMode,
): AsyncIterable<Uint8Array | undefined> {
  const { wire } = client
  const atOnce = pipelined ? mostAtOnce : 1
  let refusals = 0
  for (let at = 0; at < requests.length && refusals < manyRefusals; at += atOnce) {
    const group = requests.slice(at, at + atOnce)
    wire.expectQuiet()
    wire.send(group.map(({ number }) => `TOP ${number} 0`).join('\r\n'))
    for (const [index, request] of group.entries()) {
      const header = await readHeader(client, request, { replyMs, alone: index === group.length - 1 })
      refusals = header ? 0 : refusals + 1
      yield header
    }
  }
}

async function readHeader(
  client: Pop3Client,
  { number, most, requireEnd }: HeaderRequest,
  { replyMs, alone }: { readonly replyMs: number; readonly alone: boolean },
): Promise<Uint8Array | undefined> {
  const { wire } = client
  wire.connection.phase = `TOP ${number}`
  const reply = wire.takeReply() ?? (await wire.reply(replyMs))
  if (reply.status === 'error') {
    if (!isThrottle(reply)) return undefined
    throw wire.connection.fault('throttled', 'the server serves no more for now', { reply: reply.text })
  }
  if (!reply.ok) throw wire.outOfStep(reply)
  const block = new HeaderBlock()
  await client.body(reply, block, most)
  if (alone) wire.expectQuiet()
  if (block.complete) return block.bytes
  // It may have been cut at a lone dot, and its rest look like the next reply.
  if (!alone) throw wire.connection.fault('protocol', 'a header ends without a blank line')
  await requireEnd()
  return block.bytes
}

/** Takes what TOP sends; keeps the first 256 KiB. */
class HeaderBlock {
  readonly #chunks: Buffer[] = []
  #kept = 0
  #cut = false

  write(bytes: Uint8Array): undefined {
    const piece = Buffer.from(bytes.subarray(0, maxHeader - this.#kept))
    this.#cut ||= piece.length < bytes.length
    this.#kept += piece.length
    if (piece.length > 0) this.#chunks.push(piece)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** It ends where a header does: nothing but line ends follows its first blank line. */
  get complete(): boolean {
    const text = this.bytes.toString('latin1')
    const blank = /(?:^|\n)\r?\n/.exec(text)
    return !this.#cut && blank !== null && !/[^\r\n]/.test(text.slice(blank.index + blank[0].length))
  }
}

const maxHeader = 256 * 1024
const manyRefusals = 3
/** Small enough never to fill a server's input buffer (QUIRKS RET-21): 1 KiB of commands. */
const mostAtOnce = Math.floor(1024 / 'TOP 4294967295 0\r\n'.length)
