import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { Peer } from './script-server.js'

type Hash = 'sha1' | 'sha256'

/** How a server departs from RFC 5802. */
export interface Lies {
  /** The whole of its first message, made of the client's nonce. */
  readonly first?: (nonce: string) => string
  /** The whole of its last message. */
  readonly last?: string
  /** Accepts at once, without its proof. */
  readonly silent?: boolean
}

/** The server's side of SCRAM: a reply to AUTH. Accepts this password, sends -ERR for others. */
export function scramPeer(hash: Hash, password: string, lies: Lies = {}) {
  return async (line: string, peer: Peer): Promise<void> => {
    const first = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString()
    const [, bare = '', nonce = ''] = /^n,,(n=.*,r=(.*))$/.exec(first) ?? []
    const salt = Buffer.from('0123456789abcdef')
    const challenge = lies.first?.(nonce) ?? `r=${nonce}server,s=${salt.toString('base64')},i=4096`
    await peer.send(`+ ${encode(challenge)}\r\n`)
    const final = Buffer.from((await peer.line()) ?? '', 'base64').toString()
    const [, withoutProof = '', proof = ''] = /^(.*),p=(.*)$/.exec(final) ?? []
    const salted = pbkdf2Sync(password, salt, 4096, hash === 'sha1' ? 20 : 32, hash)
    const message = `${bare},${challenge},${withoutProof}`
    const clientKey = hmac(hash, salted, 'Client Key')
    const signature = hmac(hash, createHash(hash).update(clientKey).digest(), message)
    const expected = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
    if (!expected.equals(Buffer.from(proof, 'base64'))) {
      await peer.send('-ERR [AUTH] no\r\n')
      return
    }
    if (!lies.silent) {
      const key = hmac(hash, salted, 'Server Key')
      await peer.send(`+ ${encode(lies.last ?? `v=${hmac(hash, key, message).toString('base64')}`)}\r\n`)
      if ((await peer.line()) !== '') return
    }
    await peer.send('+OK signed in\r\n')
  }
}

function hmac(hash: Hash, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest()
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}
