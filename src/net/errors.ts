import { Fault, type FaultCode, type FaultFacts } from '../ports/fault.js'

/**
 * The Fault for what a socket or the TLS library threw, in plain words (QUIRKS CON-04, TLS-07). `handshaking`: an
 * unreadable TLS record then means the wrong port, later a broken line.
 */
export function networkFault(error: unknown, facts: FaultFacts, handshaking: boolean): Fault {
  const { code, detail } = describe(error)
  const known = system[code] ?? (handshaking ? (handshake[code] ?? otherHandshake(code)) : undefined)
  const [fault, words] = known ?? ['connection-lost', `the connection broke (${code || detail})`]
  return new Fault(fault, words, { ...facts, cause: error })
}

type Meaning = readonly [FaultCode, string]

const system: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ['unknown-host', 'no such host name'],
  ENODATA: ['unknown-host', 'the host name has no address'],
  EAI_AGAIN: ['unreachable', 'the name server does not answer'],
  ECONNREFUSED: ['unreachable', 'the connection was refused'],
  EHOSTUNREACH: ['unreachable', 'there is no route to the host'],
  ENETUNREACH: ['unreachable', 'the network is unreachable'],
  EADDRNOTAVAIL: ['unreachable', 'the address cannot be reached from here'],
  ETIMEDOUT: ['unreachable', 'the network timed out'],
  ECONNRESET: ['connection-lost', 'the connection was reset'],
  EPIPE: ['connection-lost', 'the server closed the connection'],
}

const plainServer = 'the server does not speak TLS from the first byte on this port'
const oldProtocol = 'the server only speaks a TLS version that is too old; see tlsOptions.minVersion'
const oldCrypto = 'the server uses cryptography that is too weak by today’s rules; see tlsOptions.minVersion'

const handshake: Readonly<Record<string, Meaning>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: ['wrong-protocol', plainServer],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['wrong-protocol', plainServer],
  ERR_SSL_BAD_RECORD_TYPE: ['wrong-protocol', plainServer],
  ERR_SSL_HTTP_REQUEST: ['wrong-protocol', plainServer],
  ERR_SSL_UNSUPPORTED_PROTOCOL: ['tls-failed', oldProtocol],
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: ['tls-failed', oldProtocol],
  ERR_SSL_DH_KEY_TOO_SMALL: ['tls-failed', oldCrypto],
  ERR_SSL_EE_KEY_TOO_SMALL: ['tls-failed', oldCrypto],
  ERR_SSL_CA_MD_TOO_WEAK: ['tls-failed', oldCrypto],
  ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED: ['tls-failed', oldCrypto],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: ['tls-failed', 'client and server have no cipher in common'],
}

function otherHandshake(code: string): Meaning | undefined {
  if (!code.startsWith('ERR_SSL_') && !code.startsWith('ERR_TLS_')) return undefined
  const words = code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ')
  return ['tls-failed', `the TLS handshake failed (${words})`]
}

function describe(error: unknown): { readonly code: string; readonly detail: string } {
  if (!(error instanceof Error)) return { code: '', detail: String(error) }
  return { code: 'code' in error && typeof error.code === 'string' ? error.code : '', detail: error.message }
}
