import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'
import type { Exchange, Identity, Refusal } from './exchange.js'
import { revealToken } from './reveal.js'

/** Google's and Microsoft's own mechanism. A refusal comes as a challenge, which wants an empty answer (QUIRKS AUT-09). */
export function xoauth2({ user }: Identity, token: Secret): Exchange {
  return new Bearer(`user=${user}\x01auth=Bearer ${revealToken(token)}\x01\x01`, '')
}

/** RFC 7628 §3.1; a refusal is answered with a lone separator (§3.2.3). */
export function oauthBearer({ user, host, port }: Identity, token: Secret): Exchange {
  const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const server = `host=${host}\x01port=${port}\x01`
  return new Bearer(`n,a=${name},\x01${server}auth=Bearer ${revealToken(token)}\x01\x01`, '\x01')
}

class Bearer implements Exchange {
  readonly initial: Buffer
  readonly judged = true
  refusal: Refusal | undefined
  readonly #acknowledgement: Buffer

  constructor(message: string, acknowledgement: string) {
    this.initial = Buffer.from(message)
    this.#acknowledgement = Buffer.from(acknowledgement)
  }

  async respond(challenge: Buffer | undefined): Promise<Buffer> {
    if (this.refusal) throw new Fault('auth-unavailable', 'the server refuses the token without an end')
    this.refusal = explain(challenge?.toString() ?? '')
    return this.#acknowledgement
  }

  finish(): void {
    if (this.refusal) throw new Fault('auth-failed', 'the server first refuses the token and then accepts it')
  }
}

/** RFC 7628 §3.2.2: JSON with a status; Google and Microsoft give HTTP's status instead. */
function explain(challenge: string): Refusal {
  const facts = parse(challenge)
  if (!facts) return { words: challenge, expired: false }
  const known = ['status', 'error', 'error_description', 'schemes', 'scope']
  const told = known.flatMap((key) => {
    const value = Object.hasOwn(facts, key) ? facts[key] : undefined
    return typeof value === 'string' || typeof value === 'number' ? [`${key} ${value}`] : []
  })
  const status = String(facts['status'])
  return { words: told.join(', ') || challenge, expired: /^(?:40[01]|invalid_token)$/.test(status) }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
