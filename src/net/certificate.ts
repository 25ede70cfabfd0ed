import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { Fault, type FaultFacts } from '../ports/fault.js'
import type { TlsSettings } from './tls.js'

/** Why the certificate of a finished handshake is not acceptable, or undefined where it is. */
export function certificateFault(
  socket: TLSSocket,
  expected: { readonly host: string; readonly settings: TlsSettings },
  facts: FaultFacts,
): Fault | undefined {
  const { host, settings } = expected
  // Empty where the server sent none.
  const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true)
  if (settings.fingerprint256 !== undefined) {
    const { fingerprint256 = 'none' } = certificate
    if (bare(fingerprint256) === bare(settings.fingerprint256)) return undefined
    return new Fault('certificate', `the certificate has another fingerprint (${fingerprint256})`, facts)
  }
  if (settings.verify === false || socket.authorized) return undefined
  // Node types it as an Error, but it holds the code.
  const reason = String(socket.authorizationError)
  return new Fault('certificate', words(reason, certificate, settings.servername ?? host), { ...facts, cause: reason })
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}

function words(reason: string, certificate: Partial<DetailedPeerCertificate>, name: string): string {
  switch (reason) {
    case 'CERT_HAS_EXPIRED':
      return expiry(certificate)
    case 'CERT_NOT_YET_VALID':
      return `the certificate is not valid before ${day(certificate.valid_from)}`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'the certificate is self-signed'
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'the certificate was issued by an authority that this system does not trust'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate is for ${names(certificate)}, not ${name}`
    default:
      return `the certificate was not accepted (${reason.toLowerCase().replaceAll('_', ' ')})`
  }
}

/** The first of the chain to expire is the one that did. */
function expiry(leaf: Partial<DetailedPeerCertificate>): string {
  let first = leaf
  const seen = new Set<Partial<DetailedPeerCertificate> | undefined>([undefined])
  for (let issuer = leaf.issuerCertificate; !seen.has(issuer); issuer = issuer?.issuerCertificate) {
    seen.add(issuer)
    if (Date.parse(issuer?.valid_to ?? '') < Date.parse(first.valid_to ?? '')) first = issuer ?? first
  }
  const which = first === leaf ? 'the certificate' : 'the certificate of its issuer'
  return `${which} expired on ${day(first.valid_to)}`
}

function day(time: string | undefined): string {
  const date = new Date(time ?? '')
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().slice(0, 10)
}

/** Names of the certificate, shortened: a server may send hundreds. */
function names({ subjectaltname, subject }: Partial<DetailedPeerCertificate>): string {
  const all = subjectaltname?.replaceAll(/(?:DNS|IP Address):/g, '').split(', ') ?? [String(subject?.CN)]
  return all.length > 3 ? `${all.slice(0, 3).join(', ')} and ${all.length - 3} more` : all.join(', ')
}
