import { authority } from '../net/certificates.js'
import { Pop3Client, type Pop3Options } from '../../src/pop3/client.js'
import type { Credentials } from '../../src/pop3/credentials.js'
import { Secret } from '../../src/ports/secret.js'
import { patience } from './connected.js'
import type { ScriptServer } from './script-server.js'

export const password = 'canary-c4'

export type Chosen = Partial<Omit<Pop3Options, 'credentials' | 'patience'>> & {
  readonly credentials?: Partial<Credentials>
  readonly patience?: Partial<Pop3Options['patience']>
}

/** Opens a client on a script; resolves with the client or what it threw. */
export async function open(server: ScriptServer, chosen: Chosen = {}): Promise<Pop3Client> {
  const options: Pop3Options = {
    host: '127.0.0.1',
    port: server.port,
    tls: 'none',
    tlsSettings: { ca: authority },
    capa: true,
    experience: { unfit: new Set(), tokenInLine: false },
    ...chosen,
    patience: { ...patience, ...chosen.patience },
    credentials: { user: 'alice', password: new Secret(password), mechanism: 'auto', ...chosen.credentials },
  }
  return Pop3Client.open(options, new AbortController().signal)
}

export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
