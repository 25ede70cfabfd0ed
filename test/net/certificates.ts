import { readFileSync } from 'node:fs'

const folder = new URL('../../fixtures/tls/', import.meta.url)

/** A server's key and certificate. */
export function identity(name: 'good' | 'expired' | 'wrong-name' | 'self-signed' | 'future'): {
  key: string
  cert: string
} {
  return { key: read(`${name}.key`), cert: read(`${name}.pem`) }
}

export const authority = read('ca.pem')

function read(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}
