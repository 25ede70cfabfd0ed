import type { Secret } from '../ports/secret.js'
import { mechanisms } from '../sasl/mechanisms.js'
import { passArgument } from '../sasl/password.js'
import { revealToken } from '../sasl/reveal.js'
import type { Capabilities } from './capability.js'

/** The plan's names of the ways to sign in. `auto` is the strongest that the server offers; never APOP (QUIRKS AUT-05). */
export const signInMechanisms = [
  'auto',
  'user',
  'apop',
  'plain',
  'login',
  'cram-md5',
  'scram-sha-1',
  'scram-sha-256',
  'xoauth2',
  'oauthbearer',
] as const

export interface Credentials {
  readonly user: string
  /** Whom to act as; only PLAIN carries it. */
  readonly authzid?: string | undefined
  readonly password?: Secret | undefined
  /** An OAuth 2.0 access token. */
  readonly token?: Secret | undefined
  readonly mechanism: (typeof signInMechanisms)[number]
}

/** What a run has learnt about signing in at its server. */
export interface Experience {
  /** Mechanisms that do not work although they are offered (QUIRKS AUT-04). */
  readonly unfit: Set<string>
  /** The server wants a token in the line of the command (QUIRKS AUT-08). */
  tokenInLine: boolean
}

/** Throws where the credentials cannot be sent: before anything is contacted (QUIRKS AUT-12). */
export function refuseUnsendable({ password, token }: Credentials): void {
  if (password) passArgument(password)
  if (token) revealToken(token)
}

/**
 * The mechanisms that may be tried, the strongest first; USER stands for USER and PASS. After one that keeps the password
 * to itself has failed, none that sends it follows where others may listen: they may have made it fail (QUIRKS AUT-04).
 */
export function choices(
  credentials: Credentials,
  { unfit }: Experience,
  server: { readonly capabilities: Capabilities | undefined; readonly secure: boolean },
): readonly string[] {
  const { mechanism, authzid, password, token } = credentials
  if (mechanism !== 'auto') return [mechanism.toUpperCase()]
  // Without PLAIN the sign-in would be to the master user's own maildrop.
  if (authzid !== undefined) return ['PLAIN']
  const offered = mechanisms.filter(({ name }) => server.capabilities?.offers(name))
  const exposing = server.secure || !offered.some(({ name, clear }) => !clear && unfit.has(name))
  const usable = offered.filter(({ credential, clear }) =>
    credential === 'token' ? token : password && (exposing || !clear),
  )
  const names = usable.map(({ name }) => name)
  return [...names, ...(password && exposing ? ['USER'] : [])].filter((name) => !unfit.has(name))
}
