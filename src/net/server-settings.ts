import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { Fault } from '../ports/fault.js'
import type { WarningCode } from '../ports/warning.js'
import { isLoopback } from './loopback.js'
import { needsOldCrypto, type TlsSettings } from './tls.js'

const hostMissing = 'expected the name of a host, or a `provider` whose host is known'

/** One line, as protocols want it. */
const oneLine = z
  .string()
  .min(1)
  .regex(/^[^\r\n\0]*$/, 'expected text without line ends')

/** The settings of a plan by which a server is reached and the user named, whatever it speaks. */
export const serverSettings = {
  host: z
    .string({ error: ({ input }) => (input === undefined ? hostMissing : undefined) })
    .regex(/^[^\s/@]+$/, 'expected a host name or address')
    .describe('Name or address of the server'),
  port: z.int().min(1).max(65_535).optional().describe("Default: the protocol's usual one for `tls`"),
  tls: z
    .enum(['implicit', 'starttls', 'none'])
    .default('implicit')
    .describe('From the first byte, after a command, or not at all; never less than asked for'),
  tlsOptions: z
    .strictObject({
      ca: z.string().min(1).optional().describe("A PEM file with authorities to trust in addition to the system's"),
      fingerprint256: z
        .string()
        .regex(/^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, 'expected a SHA-256 fingerprint: 64 hexadecimal digits')
        .optional()
        .describe('SHA-256 of the only certificate to accept'),
      servername: z.string().min(1).optional().describe('The name to ask for, and to find in the certificate'),
      minVersion: z
        .enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
        .default('TLSv1.2')
        .describe('Below 1.2 weak keys are accepted as well, with a warning'),
      ciphers: z.string().min(1).optional().describe('A list as OpenSSL takes it'),
      verify: z.boolean().default(true).describe('false: any certificate is accepted, with a warning in every run'),
    })
    .optional()
    .describe('How the server proves who it is'),
  allowPlaintext: z.boolean().default(false).describe('The second word that `tls: none` needs beyond loopback'),
  user: oneLine.describe('Sent as it is'),
  authzid: oneLine.optional().describe('For master users: whose mailbox it is (SASL PLAIN)'),
}

/** Those of them that are more than plain values, and the secrets beside them (see SpecialField). */
export const serverFields = [
  { key: 'host', form: 'template' },
  { key: 'user', form: 'template' },
  { key: 'tlsOptions.ca', form: 'file' },
  { key: 'password', form: 'secret' },
  { key: 'oauth2.accessToken', form: 'secret' },
] as const

/** Where a server is and how its connection is protected. */
export interface ServerSettings {
  readonly host: string
  readonly port?: number | undefined
  readonly tls: 'implicit' | 'starttls' | 'none'
  readonly tlsOptions?: TlsSettings | undefined
  readonly allowPlaintext: boolean
}

/** What speaks against `tls`: a password in clear over a network needs a second, explicit word (QUIRKS TLS-12). */
export function plaintextProblem({
  tls,
  host,
  allowPlaintext,
}: Pick<ServerSettings, 'tls' | 'host' | 'allowPlaintext'>): string | undefined {
  if (tls !== 'none' || allowPlaintext || isLoopback(host)) return undefined
  return '`tls: none` sends the password unencrypted over the network: also needs `allowPlaintext: true`'
}

/** The host to dial, its port, and `host` or `host:port` where the port is not the usual one of the protocol. */
export function serverAddress(
  { host: written, port: chosen, tls }: ServerSettings,
  usual: { readonly implicit: number; readonly plain: number },
): { readonly host: string; readonly port: number; readonly server: string } {
  // An IPv6 address may be written as in a URL.
  const host = written.replace(/^\[(.*)\]$/, '$1')
  const expected = tls === 'implicit' ? usual.implicit : usual.plain
  const port = chosen ?? expected
  return { host, port, server: port === expected ? host : `${host.includes(':') ? `[${host}]` : host}:${port}` }
}

/** What a plan allows and everybody should know of: codes and words of warnings. */
export function exposures({ tls, host, tlsOptions }: ServerSettings): readonly (readonly [WarningCode, string])[] {
  if (tls === 'none') {
    return isLoopback(host) ? [] : [['plaintext', 'password and mail travel unencrypted (tls: none)']]
  }
  const found: [WarningCode, string][] = []
  if (tlsOptions?.verify === false && tlsOptions.fingerprint256 === undefined) {
    found.push(['certificate-unchecked', 'any certificate is accepted (tlsOptions.verify: false)'])
  }
  if (tlsOptions && needsOldCrypto(tlsOptions)) {
    found.push(['old-tls', 'TLS versions before 1.2 and weak keys are accepted (tlsOptions.minVersion)'])
  }
  return found
}

/** The plan's `tlsOptions` with the certificates read. */
export async function readTlsSettings(tlsOptions: TlsSettings | undefined): Promise<TlsSettings> {
  if (tlsOptions?.ca === undefined) return tlsOptions ?? {}
  try {
    return { ...tlsOptions, ca: await readFile(tlsOptions.ca, 'utf8') }
  } catch (error) {
    const facts = { cause: error, hint: 'check the path and permissions of tlsOptions.ca' }
    throw new Fault('tls-failed', `the certificates in ${tlsOptions.ca} cannot be read`, facts)
  }
}
