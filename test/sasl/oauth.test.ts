import { describe, expect, test } from 'vitest'
import { begin, say } from './exchanges.js'

const user = 'user@example.com'

describe('OAUTHBEARER', () => {
  test('RFC 7628 §4.1 example', () => {
    const exchange = begin('OAUTHBEARER', 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==', {
      user,
      host: 'server.example.com',
      port: 143,
    })
    expect(exchange.initial?.toString('base64')).toBe(
      'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
    )
    expect(exchange.judged).toBe(true)
    exchange.finish()
  })

  test('a comma or an equals sign in the name is escaped (RFC 5801 §4)', () => {
    expect(begin('OAUTHBEARER', 't', { user: 'a=b,c' }).initial?.toString()).toMatch(/^n,a=a=3Db=2Cc,\x01/)
  })

  test('RFC 7628 §4.3: a refusal is explained and answered with a separator', async () => {
    const exchange = begin('OAUTHBEARER', 't')
    const challenge =
      '{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/x"}'
    expect(await say(exchange, challenge)).toBe('\x01')
    expect(exchange.refusal).toEqual({ words: 'status invalid_token, scope example_scope', expired: true })
    expect(() => {
      exchange.finish()
    }).toThrow(expect.objectContaining({ code: 'auth-failed' }))
  })
})

describe('XOAUTH2', () => {
  test('the example of its makers', () => {
    const token = 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg'
    expect(begin('XOAUTH2', token, { user: 'someuser@example.com' }).initial?.toString('base64')).toBe(
      'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
    )
  })

  test.each([
    ['{"status":"401","schemes":"bearer","scope":"mail"}', 'status 401, schemes bearer, scope mail', true],
    ['{"status":"400","schemes":"Bearer"}', 'status 400, schemes Bearer', true],
    ['{"status":403}', 'status 403', false],
    ['{"error":"x","error_description":"no"}', 'error x, error_description no', false],
    ['{"__proto__":{"status":"401"},"secret":"x"}', '{"__proto__":{"status":"401"},"secret":"x"}', false],
    ['{"status":', '{"status":', false],
    ['null', 'null', false],
    ['', '', false],
  ])('AUT-09 the refusal %s is answered with an empty line', async (challenge, words, expired) => {
    const exchange = begin('XOAUTH2', 't')
    expect(await say(exchange, challenge)).toBe('')
    expect(exchange.refusal).toEqual({ words, expired })
    await expect(say(exchange, challenge)).rejects.toMatchObject({ code: 'auth-unavailable' })
  })

  test('a refusal that is no base64', async () => {
    const exchange = begin('XOAUTH2', 't')
    expect(await say(exchange, undefined)).toBe('')
    expect(exchange.refusal).toEqual({ words: '', expired: false })
  })
})
