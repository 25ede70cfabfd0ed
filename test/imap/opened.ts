import { ImapClient, type ImapOptions } from '../../src/imap/client.js'
import { Secret } from '../../src/ports/secret.js'
import { authority } from '../net/certificates.js'

export const patience = { connect: 5_000, reply: 5_000, stall: 5_000 }

export type Chosen = Partial<Omit<ImapOptions, 'credentials'>> & {
  readonly credentials?: Partial<ImapOptions['credentials']>
}

/** A client of a server on loopback, signed in as alice. */
export async function open(server: { readonly port: number }, chosen: Chosen = {}): Promise<ImapClient> {
  const options: ImapOptions = {
    host: '127.0.0.1',
    port: server.port,
    tls: 'none',
    tlsSettings: { ca: authority },
    patience,
    ...chosen,
    credentials: { user: 'alice', password: new Secret('secret'), mechanism: 'auto', ...chosen.credentials },
  }
  return ImapClient.open(options, new AbortController().signal)
}
