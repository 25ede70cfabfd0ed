import type { Answer } from '../imap/appender.js'
import type { Capabilities } from '../imap/capability.js'
import type { Message } from '../ports/message.js'
import { leastChange } from './imap-form.js'
import type { Uploads } from './imap-uploads.js'

/**
 * As it is; where the server refuses that for its bytes, as a binary literal if there is a NUL, else with the least
 * change that it may accept (QUIRKS APP-10, APP-11). Dovecot takes NULs in plain literals and changes less of them there
 * than of a binary one, which it may encode anew.
 */
export async function store(message: Message, date: number | undefined, at: Server): Promise<Stored> {
  const plain = { size: message.size, bytes: message.bytes, open: () => message.open(), date }
  let answer = await at.uploads.append({ ...plain, binary: false })
  if (!answer.response.ok && date !== undefined && answer.response.words.includes('date')) {
    return store(message, undefined, at)
  }
  if (answer.response.ok || !isAboutBytes(answer)) return { answer, form: undefined }
  if (at.capabilities.has('BINARY') && (await holdsNul(message))) {
    answer = await at.uploads.append({ ...plain, binary: true })
    if (answer.response.ok) return { answer, form: undefined }
  }
  const form = await leastChange(message)
  if (!form) return { answer, form: undefined }
  const { size, bytes, open } = form
  return { answer: await at.uploads.append({ size, bytes, open, date, binary: false }), form }
}

interface Server {
  readonly uploads: Uploads
  readonly capabilities: Capabilities
}

async function holdsNul(message: Message): Promise<boolean> {
  for await (const chunk of message.open()) if (chunk.includes(0)) return true
  return false
}

/** Neither a size, nor a quota, nor a mood: what is left is what is in the message. */
function isAboutBytes({ response }: Answer): boolean {
  return /newline|line end|\bnul\b|null|bare|binary|malformed|invalid|argument|parse/.test(response.words)
}

interface Stored {
  readonly answer: Answer
  /** What was stored where that is not the message as it is. */
  readonly form: { readonly sha256: string } | undefined
}
