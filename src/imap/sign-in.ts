import type { Secret } from '../ports/secret.js'
import { passArgument, plainResponse } from '../sasl/password.js'
import type { Capabilities } from './capability.js'
import type { Dialogue } from './dialogue.js'
import { passingFault } from './refusal.js'
import type { Response } from './response.js'

export interface Credentials {
  readonly user: string
  readonly password: Secret
  readonly authzid?: string | undefined
  readonly mechanism: 'auto' | 'plain' | 'login'
}

/** Signs in, once: a password that was refused is not tried again with another mechanism (QUIRKS AUT-04). */
export async function signIn(dialogue: Dialogue, capabilities: Capabilities, credentials: Credentials): Promise<void> {
  const { connection } = dialogue.wire
  connection.phase = 'sign-in'
  const answer = await firstChoice(dialogue, capabilities, credentials)
  if (answer.ok) return
  const facts = { reply: answer.text }
  throw (
    passingFault(answer, connection) ?? connection.fault('auth-failed', 'the server refuses user or password', facts)
  )
}

async function firstChoice(
  dialogue: Dialogue,
  capabilities: Capabilities,
  credentials: Credentials,
): Promise<Response> {
  const { user, password, authzid, mechanism } = credentials
  if (mechanism === 'plain' || authzid !== undefined || capabilities.offers('PLAIN')) {
    return plain(dialogue, capabilities, plainResponse(user, password, authzid))
  }
  if (capabilities.has('LOGINDISABLED')) {
    throw dialogue.wire.connection.fault('auth-unavailable', 'the server takes no password on this connection')
  }
  const shown = `LOGIN ${user} ***`
  return dialogue.run(['LOGIN ', { text: user }, ' ', { text: passArgument(password) }], { shown })
}

/** RFC 4616; with the response in the same line where SASL-IR is offered (RFC 4959). */
async function plain(dialogue: Dialogue, capabilities: Capabilities, response: string): Promise<Response> {
  if (capabilities.has('SASL-IR')) {
    return dialogue.run([`AUTHENTICATE PLAIN ${response}`], { shown: 'AUTHENTICATE PLAIN ***' })
  }
  const { answered } = await dialogue.begin({}, async (command) => {
    await command.line(['AUTHENTICATE PLAIN'], 'AUTHENTICATE PLAIN')
    await command.invitation()
    command.answer(response, '***')
  })
  return answered
}
