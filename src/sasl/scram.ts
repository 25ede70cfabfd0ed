import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'
import { decodeBase64 } from './base64.js'
import type { Exchange, Identity, Refusal } from './exchange.js'
import { revealPassword } from './reveal.js'
import { saslprep } from './saslprep.js'

type Hash = 'sha1' | 'sha256'

/** SCRAM (RFC 5802, RFC 7677) without channel binding. */
export function scram(hash: Hash) {
  return (identity: Identity, password: Secret, nonce = randomBytes(24).toString('base64')): Exchange =>
    new Scram(hash, identity, password, nonce)
}

class Scram implements Exchange {
  readonly initial: Buffer
  judged = false
  refusal: Refusal | undefined
  readonly #hash: Hash
  readonly #password: string
  readonly #nonce: string
  readonly #first: string
  #serverSignature: Buffer | undefined
  #proven = false

  constructor(hash: Hash, { user }: Identity, password: Secret, nonce: string) {
    this.#hash = hash
    this.#password = saslprep(revealPassword(password))
    this.#nonce = nonce
    const name = saslprep(user).replaceAll('=', '=3D').replaceAll(',', '=2C')
    this.#first = `n=${name},r=${nonce}`
    this.initial = Buffer.from(gs2Header + this.#first)
  }

  async respond(challenge: Buffer | undefined): Promise<Buffer> {
    const message = challenge?.toString() ?? ''
    if (!this.#serverSignature) return this.#prove(message)
    if (this.#proven || this.refusal) throw this.#broken('has no end')
    if (message.startsWith('e=')) this.refusal = { words: message.slice(2), expired: false }
    else this.#check(message)
    return Buffer.alloc(0)
  }

  /** QUIRKS AUT-11: whoever does not know the password must not be taken for the server. */
  finish(): void {
    if (!this.#proven) throw dishonest('the server accepts the sign-in without proving that it knows the password')
  }

  /** RFC 5802 §3; the server's message is §5.1's r, s and i, and extensions that may be ignored. */
  async #prove(message: string): Promise<Buffer> {
    const { nonce, salt, iterations } = this.#parse(message)
    const algorithm = this.#hash
    const length = createHash(algorithm).update('').digest().length
    const salted = await promisify(pbkdf2)(this.#password, salt, iterations, length, algorithm)
    const clientKey = hmac(algorithm, salted, 'Client Key')
    const withoutProof = `c=${Buffer.from(gs2Header).toString('base64')},r=${nonce}`
    const exchanged = `${this.#first},${message},${withoutProof}`
    const storedKey = createHash(algorithm).update(clientKey).digest()
    const signature = hmac(algorithm, storedKey, exchanged)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
    this.#serverSignature = hmac(algorithm, hmac(algorithm, salted, 'Server Key'), exchanged)
    this.judged = true
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`)
  }

  #parse(message: string): { readonly nonce: string; readonly salt: Buffer; readonly iterations: number } {
    if (message.startsWith('m=')) throw this.#broken('needs an extension that popferry does not know')
    const [, nonce, encoded, count] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=([1-9]\d{0,9})(?:,.*)?$/.exec(message) ?? []
    const salt = encoded === undefined ? undefined : decodeBase64(encoded)
    if (nonce === undefined || count === undefined || !salt?.length) throw this.#broken('cannot be read')
    if (nonce.length <= this.#nonce.length || !nonce.startsWith(this.#nonce)) {
      throw dishonest('the server answers another sign-in than this one (its nonce is not ours)')
    }
    const iterations = Number(count)
    if (iterations < fewestIterations) {
      throw dishonest(`the server wants the password hashed only ${iterations} times, which is easily undone`)
    }
    if (iterations > mostIterations)
      throw this.#broken(`wants the password hashed ${iterations} times, which takes too long`)
    return { nonce, salt, iterations }
  }

  #check(message: string): void {
    const [, encoded] = /^v=([^,]+)(?:,.*)?$/.exec(message) ?? []
    const signature = encoded === undefined ? undefined : decodeBase64(encoded)
    const expected = this.#serverSignature
    if (!signature || !expected) throw this.#broken('cannot be read')
    this.#proven = signature.length === expected.length && timingSafeEqual(signature, expected)
    if (!this.#proven) throw dishonest('the server does not prove that it knows the password')
  }

  #broken(problem: string): Fault {
    const name = this.#hash === 'sha1' ? 'SCRAM-SHA-1' : 'SCRAM-SHA-256'
    return new Fault('auth-unavailable', `the server’s ${name} challenge ${problem}`)
  }
}

function hmac(hash: Hash, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest()
}

function dishonest(problem: string): Fault {
  const hint = 'nothing more was sent; someone may pose as the server: ask its admin before you try another `auth`'
  return new Fault('auth-failed', problem, { hint })
}

/** The client does not do channel binding (RFC 5802 §7). */
const gs2Header = 'n,,'
/** RFC 7677 §4 asks for as many; fewer make the password easy to guess from what travels (QUIRKS AUT-11). */
const fewestIterations = 4096
/** Well over what servers use; takes about a second. */
const mostIterations = 1_000_000
