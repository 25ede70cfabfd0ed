import { Fault, type FaultCode, type FaultFacts } from '../ports/fault.js'
import { earlyHint } from './early.js'

/** When a socket failed. */
interface Moment {
  /** An unreadable TLS record then means the wrong port, later a broken line. */
  readonly handshaking: boolean
  /** Of the server, once it was reached. */
  readonly address: string | undefined
}

/** The Fault for what a socket or the TLS library threw, in plain words (QUIRKS CON-04, TLS-07). */
export function networkFault(error: unknown, facts: FaultFacts, { handshaking, address }: Moment): Fault {
  const { code, detail } = describe(mostTelling(error))
  const known = system[code] ?? alerts[code] ?? (handshaking ? (handshake[code] ?? otherHandshake(code)) : undefined)
  const [fault, words, own] = known ?? ['connection-lost', `the connection broke (${code || detail})`]
  const hint = own ?? earlyHint(fault, facts.phase, address)
  return new Fault(fault, words, { ...facts, ...(hint !== undefined && { hint }), cause: error })
}

/** What happened, and what to do about it where the table of faults does not say it well enough. */
type Meaning = readonly [code: FaultCode, words: string, hint?: string]

const ownNetwork = 'check the network, VPN and firewall of this machine; the next run tries again'

const system: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ['unknown-host', 'no such host name'],
  ENODATA: ['unknown-host', 'the host name has no address'],
  EAI_AGAIN: [
    'unreachable',
    'the name server does not answer',
    'this machine cannot look up names at the moment: check its network and DNS; the next run tries again',
  ],
  ECONNREFUSED: [
    'unreachable',
    'the connection was refused',
    'nothing listens on this port, or a firewall refuses: check host, port and firewall; the next run tries again',
  ],
  EHOSTUNREACH: ['unreachable', 'there is no route to the host', ownNetwork],
  ENETUNREACH: ['unreachable', 'the network is unreachable', ownNetwork],
  EADDRNOTAVAIL: ['unreachable', 'the address cannot be reached from here', ownNetwork],
  ETIMEDOUT: ['unreachable', 'the network timed out'],
  ECONNRESET: ['connection-lost', 'the connection was reset'],
  EPIPE: ['connection-lost', 'the server closed the connection'],
}

const plainServer = [
  'wrong-protocol',
  'the server does not speak TLS from the first byte on this port',
  'POP3 with `tls: implicit` is usually on port 995; a port that begins in plain text, usually 110, wants `tls: starttls`',
] as const

const lowerMinimum = 'have the server updated, or lower tlsOptions.minVersion for this account (`TLSv1` at the least)'
const oldProtocol = ['tls-failed', 'the server only speaks a TLS version that is too old', lowerMinimum] as const
const oldCrypto = [
  'tls-failed',
  'the server uses cryptography that is too weak by today’s rules',
  lowerMinimum,
] as const
const wantsCertificate = [
  'tls-failed',
  'the server wants a certificate from its clients',
  'popferry has none to show: ask the server’s admin for a port without',
] as const

const handshake: Readonly<Record<string, Meaning>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: plainServer,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plainServer,
  ERR_SSL_BAD_RECORD_TYPE: plainServer,
  ERR_SSL_HTTP_REQUEST: plainServer,
  ERR_SSL_UNSUPPORTED_PROTOCOL: oldProtocol,
  ERR_SSL_DH_KEY_TOO_SMALL: oldCrypto,
  ERR_SSL_EE_KEY_TOO_SMALL: oldCrypto,
  ERR_SSL_CA_MD_TOO_WEAK: oldCrypto,
  ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED: oldCrypto,
}

/** What the server says about the handshake (RFC 8446 §6.2): with TLS 1.3 it may come when we think that it is over. */
const alerts: Readonly<Record<string, Meaning>> = {
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: oldProtocol,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: [
    'tls-failed',
    'client and server find no encryption that both accept',
    'check tlsOptions.ciphers, or lower tlsOptions.minVersion for an old server; or it wants a certificate from its clients',
  ],
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: [
    'tls-failed',
    'the server does not know the name that it was asked for',
    'check `host`, or write the name that the server knows as tlsOptions.servername',
  ],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: wantsCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: wantsCertificate,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: [
    'tls-failed',
    'the server refuses this client during the TLS handshake',
    'ask the server’s admin whether this machine’s address is allowed',
  ],
  ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR: [
    'tls-failed',
    'the server failed during the TLS handshake',
    'ask the server’s admin to look into its log, and check `host`: it may have no certificate for this name',
  ],
}

function otherHandshake(code: string): Meaning | undefined {
  if (!code.startsWith('ERR_SSL_') && !code.startsWith('ERR_TLS_')) return undefined
  const words = code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ')
  return ['tls-failed', `the TLS handshake failed (${words})`]
}

/** Of several addresses, each failed: where one was reached at all, that says more than that another cannot be. */
function mostTelling(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error
  const each: readonly unknown[] = error.errors
  return each.find((one) => !unroutable.has(describe(one).code)) ?? error
}

const unroutable: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'])

function describe(error: unknown): { readonly code: string; readonly detail: string } {
  if (!(error instanceof Error)) return { code: '', detail: String(error) }
  return { code: 'code' in error && typeof error.code === 'string' ? error.code : '', detail: error.message }
}
