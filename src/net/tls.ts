import { isIP } from 'node:net'
import {
  createSecureContext,
  rootCertificates,
  type ConnectionOptions,
  type SecureContext,
  type SecureVersion,
} from 'node:tls'

/** The plan's `tlsOptions`, files already read. */
export interface TlsSettings {
  /** PEM certificates to trust in addition to the system's. */
  readonly ca?: string | undefined
  /** SHA-256 of the one certificate to accept, hexadecimal, colons and case do not matter. */
  readonly fingerprint256?: string | undefined
  /** The name to ask for and to expect in the certificate, instead of the host. */
  readonly servername?: string | undefined
  readonly minVersion?: SecureVersion | undefined
  /** OpenSSL cipher list. */
  readonly ciphers?: string | undefined
  /** False accepts any certificate. */
  readonly verify?: boolean | undefined
}

/** Below TLS 1.2 OpenSSL 3 needs security level 0 for the SHA-1 signatures of those versions (QUIRKS TLS-07). */
export function needsOldCrypto({ minVersion }: TlsSettings): boolean {
  return minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
}

/**
 * Options for `tls.connect`. Node must not judge the certificate itself: `certificateFault` does, in plain words, before
 * a byte is sent. The name is always given, or Node would check against "localhost" after an in-place upgrade (TLS-05).
 */
export function connectionOptions(host: string, settings: TlsSettings): ConnectionOptions {
  const name = settings.servername ?? host
  return {
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
    rejectUnauthorized: false,
    secureContext: secureContext(settings),
  }
}

/** Parsing the system's authorities anew takes 35 ms and more, for each of a thousand accounts: what equal settings make is shared. */
const contexts = new Map<string, SecureContext>()
/** Plans name few authorities. */
const mostContexts = 16

function secureContext(settings: TlsSettings): SecureContext {
  const { ca, minVersion = 'TLSv1.2' } = settings
  const ciphers = needsOldCrypto(settings) ? `${settings.ciphers ?? 'DEFAULT'}:@SECLEVEL=0` : settings.ciphers
  const key = JSON.stringify([ca, minVersion, ciphers])
  const known = contexts.get(key)
  if (known) return known
  const made = createSecureContext({
    minVersion,
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    ...(ciphers !== undefined && { ciphers }),
  })
  if (contexts.size >= mostContexts) contexts.clear()
  contexts.set(key, made)
  return made
}
