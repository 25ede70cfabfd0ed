import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { Fault, type FaultFacts } from '../ports/fault.js'
import type { TlsFacts } from '../ports/sign-in-facts.js'
import type { TlsSettings } from './tls.js'

type Certificate = Partial<DetailedPeerCertificate>

/** Why the certificate of a finished handshake is not acceptable, or undefined where it is. */
export function certificateFault(
  socket: TLSSocket,
  expected: { readonly host: string; readonly settings: TlsSettings },
  facts: FaultFacts,
): Fault | undefined {
  const { host, settings } = expected
  // Empty where the server sent none.
  const certificate: Certificate = socket.getPeerCertificate(true)
  if (settings.fingerprint256 !== undefined) {
    const { fingerprint256 = 'none' } = certificate
    if (bare(fingerprint256) === bare(settings.fingerprint256)) return undefined
    const words = `the certificate has another fingerprint (${fingerprint256})`
    return new Fault('certificate', words, { ...facts, hint: `${unsent}; ${replaced}` })
  }
  if (settings.verify === false || socket.authorized) return undefined
  // Node types it as an Error, but it holds the code.
  const reason = String(socket.authorizationError)
  const { words, advice } = (symptoms[reason] ?? unknown(reason))(certificate, settings.servername ?? host)
  return new Fault('certificate', words, { ...facts, hint: `${unsent}; ${advice}`, cause: reason })
}

/** Of a finished handshake, whatever is thought of its certificate. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  const certificate: Certificate = socket.getPeerCertificate()
  const validTo = Date.parse(certificate.valid_to ?? '')
  return {
    version: socket.getProtocol() ?? 'TLS',
    cipher: socket.getCipher().standardName,
    subject: String(certificate.subject?.CN ?? certificate.subjectaltname ?? 'without a name'),
    issuer: issuer(certificate),
    validTo: Number.isNaN(validTo) ? undefined : validTo,
  }
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}

const unsent = 'no password was sent'
/** Whoever stands in between can show any certificate: nothing is to be believed because it says so itself. */
const confirmed = 'if the server’s admin confirms the'
const replaced = 'it was renewed, or another server answers: ask the server’s admin before you change the plan'

/** What is wrong with a certificate that was meant for `name`, and what to do about it. */
type Symptom = (certificate: Certificate, name: string) => { readonly words: string; readonly advice: string }

const expired: Symptom = (certificate) => ({
  words: `${expiry(certificate)}, and this machine’s clock says ${today()}`,
  advice: `check the clock, or have the server’s certificate renewed; ${pin(certificate)}`,
})

const fromTheFuture: Symptom = (certificate) => ({
  words: `the certificate is not valid before ${day(certificate.valid_from)}, and this machine’s clock says ${today()}`,
  advice: `check the clock; if it is right, have the server’s certificate replaced; ${pin(certificate)}`,
})

const selfSigned: Symptom = (certificate) => ({
  words: `the certificate is self-signed (for ${names(certificate)})`,
  advice: pin(certificate),
})

const unknownAuthority: Symptom = (certificate) => ({
  words: `the certificate was issued by an authority that this system does not trust (${issuer(certificate)})`,
  advice: `a proxy or virus scanner in between? Your own authority goes into tlsOptions.ca; ${pin(certificate)}`,
})

const otherName: Symptom = (certificate, name) => {
  const known = plainNames(certificate)[0]
  const use =
    known === undefined ? pin(certificate) : `${confirmed} name, write \`tlsOptions: { servername: ${known} }\``
  return {
    words: `the certificate is for ${names(certificate)}, not ${name}`,
    advice: `${use}; else a proxy, a captive portal or an attacker answers in its place`,
  }
}

/** By the reason that OpenSSL gives. */
const symptoms: Readonly<Record<string, Symptom>> = {
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: fromTheFuture,
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: otherName,
}

function unknown(reason: string): Symptom {
  return (certificate) => ({
    words: `the certificate was not accepted (${reason.toLowerCase().replaceAll('_', ' ')})`,
    advice: `show this line to the server’s admin; ${pin(certificate)}`,
  })
}

/** How to accept exactly this certificate. */
function pin({ fingerprint256 = 'none' }: Certificate): string {
  return `${confirmed} fingerprint, write \`tlsOptions: { fingerprint256: "${fingerprint256}" }\``
}

/** The first of the chain to expire is the one that did. */
function expiry(leaf: Certificate): string {
  let first = leaf
  const seen = new Set<Certificate | undefined>([undefined])
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

/** By the system's clock, which OpenSSL has judged by. */
function today(): string {
  return new Date().toISOString().slice(0, 10)
}

function issuer({ issuer }: Certificate): string {
  return String(issuer?.CN ?? issuer?.O ?? 'without a name')
}

function allNames({ subjectaltname, subject }: Certificate): readonly string[] {
  return subjectaltname?.replaceAll(/(?:DNS|IP Address):/g, '').split(', ') ?? [String(subject?.CN)]
}

/** Names of the certificate, shortened: a server may send hundreds. */
function names(certificate: Certificate): string {
  const all = allNames(certificate)
  return all.length > 3 ? `${all.slice(0, 3).join(', ')} and ${all.length - 3} more` : all.join(', ')
}

/** Those that could stand in a plan. */
function plainNames(certificate: Certificate): readonly string[] {
  return allNames(certificate).filter((name) => /^[a-z0-9.-]{1,80}$/i.test(name))
}
