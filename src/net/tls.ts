import { isIP } from 'node:net'
import { rootCertificates, type ConnectionOptions, type SecureVersion } from 'node:tls'

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
  const ciphers = needsOldCrypto(settings) ? `${settings.ciphers ?? 'DEFAULT'}:@SECLEVEL=0` : settings.ciphers
  return {
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
    rejectUnauthorized: false,
    minVersion: settings.minVersion ?? 'TLSv1.2',
    ...(settings.ca !== undefined && { ca: [...rootCertificates, settings.ca] }),
    ...(ciphers !== undefined && { ciphers }),
  }
}
