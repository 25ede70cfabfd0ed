/** The plan's key of a secret to sign in with. */
export type SecretKey = 'password' | 'oauth2.accessToken'

/** The secret that a way to sign in needs; undefined: any. */
export function secretOf(mechanism: string): SecretKey | undefined {
  if (mechanism === 'auto') return undefined
  return mechanism === 'xoauth2' || mechanism === 'oauthbearer' ? 'oauth2.accessToken' : 'password'
}

/** What speaks against `auth`; the plan's secrets stand beside the settings by now, and that there is one is its matter. */
export function authProblem(value: {
  readonly auth: string
  readonly authzid?: string | undefined
}): string | undefined {
  const { auth, authzid } = value
  if (authzid !== undefined && auth !== 'auto' && auth !== 'plain') {
    return 'expected auto or plain: only PLAIN carries `authzid`'
  }
  const needed = secretOf(auth) === 'password' ? 'password' : 'oauth2'
  const other = needed === 'password' ? 'oauth2' : 'password'
  if (auth === 'auto' || needed in value || !(other in value)) return undefined
  return `expected a way to sign in with \`${other}\`: ${auth} needs \`${needed}\``
}
