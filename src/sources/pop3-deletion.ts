import type { Pop3Client } from '../pop3/client.js'
import { isThrottle } from '../pop3/refusal.js'
import type { Reply } from '../pop3/reply.js'
import type { Fault } from '../ports/fault.js'
import { repeats } from './pop3-keys.js'

/** A message of this session's listing, by its number and its unique id (bytes as Latin-1). */
export interface Numbered {
  readonly number: number
  readonly uidl: string
}

export interface DeletionMode {
  readonly pipelined: boolean
  /** The wait for the first byte of a reply, ms. */
  readonly replyMs: number
}

/**
 * Marks messages for the QUIT (DELE, RFC 1939 §5), each after the server has said once more that its number still stands
 * for its id (QUIRKS DEL-07). Yields one result for each, in an order of its own: undefined, or why it is not marked.
 */
export async function* markDeleted(
  client: Pop3Client,
  messages: readonly Numbered[],
  mode: DeletionMode,
): AsyncIterable<{ readonly number: number; readonly fault: Fault | undefined }> {
  const atOnce = mode.pipelined ? mostAtOnce : 1
  for (let at = 0; at < messages.length; at += atOnce) {
    const group = messages.slice(at, at + atOnce)
    const sure: Numbered[] = []
    for await (const [message, reply] of ask(client, 'UIDL', group, mode)) {
      if (repeats(reply, message.number, message.uidl)) sure.push(message)
      else
        yield { number: message.number, fault: refused(client, 'the server does not confirm its id any more', reply) }
    }
    for await (const [{ number }, reply] of ask(client, 'DELE', sure, mode)) {
      const fault = reply.ok ? undefined : refused(client, 'the server does not delete the message', reply)
      yield { number, fault }
    }
  }
}

/** One command for each message, in one piece, and the replies. */
async function* ask(
  { wire }: Pop3Client,
  command: 'UIDL' | 'DELE',
  messages: readonly Numbered[],
  { replyMs }: DeletionMode,
): AsyncIterable<readonly [Numbered, Reply]> {
  if (messages.length === 0) return
  wire.expectQuiet()
  wire.send(messages.map(({ number }) => `${command} ${number}`).join('\r\n'))
  for (const message of messages) {
    wire.connection.phase = `${command} ${message.number}`
    const reply = wire.takeReply() ?? (await wire.reply(replyMs))
    if (reply.status === 'error' && isThrottle(reply)) {
      throw wire.connection.fault('throttled', 'the server serves no more for now', { reply: reply.text })
    }
    if (reply.status !== 'error' && !reply.ok) throw wire.outOfStep(reply)
    yield [message, reply]
  }
}

function refused({ wire }: Pop3Client, words: string, reply: Reply): Fault {
  return wire.connection.fault('delete-refused', words, { reply: reply.text })
}

/** Small enough never to fill a server's input buffer (QUIRKS RET-21): 1 KiB of commands. */
const mostAtOnce = Math.floor(1024 / 'DELE 4294967295\r\n'.length)
