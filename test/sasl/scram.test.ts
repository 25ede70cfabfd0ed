import { createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/ports/secret.js'
import type { Exchange } from '../../src/sasl/exchange.js'
import { saslprep } from '../../src/sasl/saslprep.js'
import { scram } from '../../src/sasl/scram.js'
import { begin, say, tim } from './exchanges.js'

const pencil = new Secret('pencil')
const identity = { ...tim, user: 'user' }
const salt = Buffer.from('salt of the earth').toString('base64')

/** The nonce of a client's first message. */
function nonceOf(exchange: Exchange): string {
  return /,r=(.+)$/.exec(exchange.initial?.toString() ?? '')?.[1] ?? ''
}

describe('the examples of the standards', () => {
  test.each([
    [
      'RFC 5802 §5',
      'sha1',
      'fyko+d2lbbFgONRv9qkxdawL',
      'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    ],
    [
      'RFC 7677 §3',
      'sha256',
      'rOprNGfwEbeRWgbNEkqO',
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    ],
  ] as const)('%s', async (...row) => {
    const [, hash, nonce, first, final, proof] = row
    const exchange = scram(hash)(identity, pencil, nonce)
    expect(exchange.initial?.toString()).toBe(`n,,n=user,r=${nonce}`)
    expect(exchange.judged).toBe(false)
    expect(await say(exchange, first)).toBe(final)
    expect(exchange.judged).toBe(true)
    expect(await say(exchange, proof)).toBe('')
    exchange.finish()
    await expect(say(exchange, proof)).rejects.toMatchObject({ code: 'auth-unavailable' })
  })
})

describe('names and passwords', () => {
  test.each([
    ['a=b,c', 'a=3Db=2Cc'],
    ['ｆｕｌｌ', 'full'],
    ['I\u00adX', 'IX'],
    ['a\u00a0b', 'a b'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
  ])('RFC 4013 §3: %s becomes %s', (user, name) => {
    expect(begin('SCRAM-SHA-256', 'x', { user }).initial?.toString()).toContain(`n,,n=${name},r=`)
  })

  test('the password is prepared as well', () => {
    expect(saslprep('p\u00adass\u3000wo\u0308rd')).toBe('pass wörd')
  })
})

describe('nonces', () => {
  test('are never the same, and hold no comma', () => {
    const nonces = Array.from({ length: 50 }, () => nonceOf(begin('SCRAM-SHA-1', 'x')))
    expect(new Set(nonces).size).toBe(50)
    for (const nonce of nonces) expect(nonce).toMatch(/^[\x21-\x2b\x2d-\x7e]{32}$/)
  })
})

describe('AUT-11 a hostile server', () => {
  test.each([
    ['a foreign nonce', () => `r=someoneelse1234567890123456789012345,s=${salt},i=4096`, 'auth-failed'],
    ['our nonce alone', (nonce: string) => `r=${nonce},s=${salt},i=4096`, 'auth-failed'],
    ['a nonce that only contains ours', (nonce: string) => `r=x${nonce}x,s=${salt},i=4096`, 'auth-failed'],
    ['one iteration', (nonce: string) => `r=${nonce}x,s=${salt},i=1`, 'auth-failed'],
    ['4095 iterations', (nonce: string) => `r=${nonce}x,s=${salt},i=4095`, 'auth-failed'],
    ['10 million iterations', (nonce: string) => `r=${nonce}x,s=${salt},i=10000000`, 'auth-unavailable'],
    ['2^31 iterations', (nonce: string) => `r=${nonce}x,s=${salt},i=2147483648`, 'auth-unavailable'],
    ['an endless count', (nonce: string) => `r=${nonce}x,s=${salt},i=${'9'.repeat(400)}`, 'auth-unavailable'],
    ['zero', (nonce: string) => `r=${nonce}x,s=${salt},i=0`, 'auth-unavailable'],
    ['a hexadecimal count', (nonce: string) => `r=${nonce}x,s=${salt},i=0x1000`, 'auth-unavailable'],
    ['no salt', (nonce: string) => `r=${nonce}x,s=,i=4096`, 'auth-unavailable'],
    ['a salt that is no base64', (nonce: string) => `r=${nonce}x,s=a$b=,i=4096`, 'auth-unavailable'],
    ['a cut salt', (nonce: string) => `r=${nonce}x,s=${salt.slice(0, 5)},i=4096`, 'auth-unavailable'],
    ['no count', (nonce: string) => `r=${nonce}x,s=${salt}`, 'auth-unavailable'],
    ['another order', (nonce: string) => `s=${salt},r=${nonce}x,i=4096`, 'auth-unavailable'],
    ['a blank in the nonce', (nonce: string) => `r=${nonce} x,s=${salt},i=4096`, 'auth-unavailable'],
    ['a mandatory extension', (nonce: string) => `m=x,r=${nonce}x,s=${salt},i=4096`, 'auth-unavailable'],
    ['a proof instead of a challenge', () => 'v=AAAA', 'auth-unavailable'],
    ['nothing', () => '', 'auth-unavailable'],
    ['no base64', () => undefined, 'auth-unavailable'],
  ])('%s: the password is not used', async (_, challenge, code) => {
    const exchange = begin('SCRAM-SHA-256', 'pencil')
    const started = performance.now()
    await expect(say(exchange, challenge(nonceOf(exchange)))).rejects.toMatchObject({ code, transient: false })
    expect(performance.now() - started).toBeLessThan(500)
    expect(exchange.judged).toBe(false)
  })

  test.each([
    ['a wrong signature', `v=${Buffer.alloc(32).toString('base64')}`, 'auth-failed'],
    ['a short signature', 'v=AAAA', 'auth-failed'],
    ['an empty signature', 'v=', 'auth-unavailable'],
    ['no signature', 'x=AAAA', 'auth-unavailable'],
    ['nothing', '', 'auth-unavailable'],
    ['no base64', undefined, 'auth-unavailable'],
  ])('%s is not believed', async (_, proof, code) => {
    const exchange = begin('SCRAM-SHA-256', 'pencil')
    await say(exchange, `r=${nonceOf(exchange)}x,s=${salt},i=4096`)
    await expect(say(exchange, proof)).rejects.toMatchObject({ code })
    expect(() => {
      exchange.finish()
    }).toThrow(expect.objectContaining({ code: 'auth-failed' }))
  })

  test('an error is not a proof, and has an end', async () => {
    const exchange = begin('SCRAM-SHA-1', 'pencil')
    await say(exchange, `r=${nonceOf(exchange)}x,s=${salt},i=4096`)
    expect(await say(exchange, 'e=invalid-proof')).toBe('')
    expect(exchange.refusal).toEqual({ words: 'invalid-proof', expired: false })
    expect(() => {
      exchange.finish()
    }).toThrow(expect.objectContaining({ code: 'auth-failed' }))
    await expect(say(exchange, 'e=invalid-proof')).rejects.toMatchObject({ code: 'auth-unavailable' })
  })
})

test('extensions that are not mandatory are ignored, but signed', async () => {
  const exchange = begin('SCRAM-SHA-256', 'pencil', { user: 'user' })
  const first = `r=${nonceOf(exchange)}x,s=${salt},i=5000,x=more,y`
  const [, withoutProof] = /^(.*),p=/.exec(await say(exchange, first)) ?? []
  const salted = pbkdf2Sync('pencil', Buffer.from(salt, 'base64'), 5000, 32, 'sha256')
  const key = createHmac('sha256', salted).update('Server Key').digest()
  const message = `${exchange.initial?.toString().slice(3)},${first},${withoutProof}`
  const signature = createHmac('sha256', key).update(message).digest('base64')
  expect(await say(exchange, `v=${signature},x=more`)).toBe('')
  exchange.finish()
})
