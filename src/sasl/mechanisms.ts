import type { Secret } from '../ports/secret.js'
import { login, plain } from './cleartext.js'
import { cramMd5 } from './cram-md5.js'
import type { Exchange, Identity } from './exchange.js'
import { oauthBearer, xoauth2 } from './oauth.js'
import { scram } from './scram.js'

export interface Mechanism {
  /** Its IANA name. */
  readonly name: string
  readonly credential: 'password' | 'token'
  /** Whoever listens, or only poses as the server, gets the credential itself. */
  readonly clear: boolean
  start(identity: Identity, secret: Secret): Exchange
}

/** From the strongest to the weakest. */
export const mechanisms: readonly Mechanism[] = [
  { name: 'OAUTHBEARER', credential: 'token', clear: true, start: oauthBearer },
  { name: 'XOAUTH2', credential: 'token', clear: true, start: xoauth2 },
  { name: 'SCRAM-SHA-256', credential: 'password', clear: false, start: scram('sha256') },
  { name: 'SCRAM-SHA-1', credential: 'password', clear: false, start: scram('sha1') },
  { name: 'CRAM-MD5', credential: 'password', clear: false, start: cramMd5 },
  { name: 'PLAIN', credential: 'password', clear: true, start: plain },
  { name: 'LOGIN', credential: 'password', clear: true, start: login },
]
