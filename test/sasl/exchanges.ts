import { Secret } from '../../src/ports/secret.js'
import type { Exchange, Identity } from '../../src/sasl/exchange.js'
import { mechanisms } from '../../src/sasl/mechanisms.js'

export const tim: Identity = { user: 'tim', host: 'pop.example', port: 995 }

/** Begins an exchange of a mechanism. */
export function begin(name: string, secret: string, identity: Partial<Identity> = {}): Exchange {
  const mechanism = mechanisms.find((known) => known.name === name)
  if (!mechanism) throw new Error(`no mechanism ${name}`)
  return mechanism.start({ ...tim, ...identity }, new Secret(secret))
}

/** The answer to a challenge, as text. */
export async function say(exchange: Exchange, challenge: string | undefined): Promise<string> {
  return (await exchange.respond(challenge === undefined ? undefined : Buffer.from(challenge))).toString()
}
