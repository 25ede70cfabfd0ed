import { createHmac } from 'node:crypto'
import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'
import type { Exchange, Identity } from './exchange.js'
import { revealPassword } from './reveal.js'

/** RFC 2195: the server's challenge, keyed with the password. */
export function cramMd5({ user }: Identity, password: Secret): Exchange {
  const key = revealPassword(password)
  let judged = false
  return {
    get judged() {
      return judged
    },
    respond: async (challenge) => {
      if (judged) throw new Fault('auth-unavailable', 'the server sends a second CRAM-MD5 challenge')
      if (!challenge?.length) throw new Fault('auth-unavailable', 'the server’s CRAM-MD5 challenge cannot be read')
      judged = true
      const digest = createHmac('md5', key).update(challenge).digest('hex')
      return Buffer.from(`${user} ${digest}`)
    },
    finish: () => undefined,
  }
}
