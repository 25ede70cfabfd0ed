import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'
import type { Exchange, Identity } from './exchange.js'
import { revealPassword } from './reveal.js'

/** RFC 4616: one message. */
export function plain({ user, authzid = '' }: Identity, password: Secret): Exchange {
  return {
    initial: Buffer.from(`${authzid}\0${user}\0${revealPassword(password)}`),
    judged: true,
    respond: async () => {
      throw new Fault('auth-unavailable', 'the server asks for more than PLAIN has to say')
    },
    finish: () => undefined,
  }
}

/** Never standardised: two prompts, whose words differ from server to server and mean nothing (QUIRKS AUT-07). */
export function login({ user }: Identity, password: Secret): Exchange {
  const answers = [user, revealPassword(password)]
  return {
    get judged() {
      return answers.length === 0
    },
    respond: async () => {
      const answer = answers.shift()
      if (answer === undefined) throw new Fault('auth-unavailable', 'the server asks for more than user and password')
      return Buffer.from(answer)
    },
    finish: () => undefined,
  }
}
