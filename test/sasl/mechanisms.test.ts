import { describe, expect, test } from 'vitest'
import { begin, say } from './exchanges.js'

describe('PLAIN', () => {
  test.each([
    ['tim', 'tanstaaftanstaaf', undefined, '\0tim\0tanstaaftanstaaf'],
    ['Kurt', 'xipj3plmq', 'Ursel', 'Ursel\0Kurt\0xipj3plmq'],
    ['a b', '  pä"ss #1% ', undefined, '\0a b\0  pä"ss #1% '],
  ])('RFC 4616 §4, AUT-12: %s', (user, password, authzid, message) => {
    const exchange = begin('PLAIN', password, { user, authzid })
    expect(exchange.initial?.toString()).toBe(message)
    expect(exchange.judged).toBe(true)
    exchange.finish()
  })

  test('has nothing to say to a challenge', async () => {
    await expect(say(begin('PLAIN', 'x'), '')).rejects.toMatchObject({ code: 'auth-unavailable' })
  })
})

describe('LOGIN', () => {
  test.each([
    ['User Name\0', 'Password\0'],
    ['Username:', 'Password:'],
    ['', ''],
    [undefined, undefined],
  ])('AUT-07 the prompts %j and %j mean nothing', async (first, second) => {
    const exchange = begin('LOGIN', 'pä ss')
    expect(exchange.initial).toBeUndefined()
    expect(exchange.judged).toBe(false)
    expect(await say(exchange, first)).toBe('tim')
    expect(exchange.judged).toBe(false)
    expect(await say(exchange, second)).toBe('pä ss')
    expect(exchange.judged).toBe(true)
    await expect(say(exchange, 'Again:')).rejects.toMatchObject({ code: 'auth-unavailable' })
  })
})

describe('CRAM-MD5', () => {
  test('RFC 2195 §2 example', async () => {
    const exchange = begin('CRAM-MD5', 'tanstaaftanstaaf')
    expect(exchange.initial).toBeUndefined()
    expect(exchange.judged).toBe(false)
    const response = await say(exchange, '<1896.697170952@postoffice.reston.mci.net>')
    expect(response).toBe('tim b913a602c7eda7a495b4e6e7334d3890')
    expect(exchange.judged).toBe(true)
    await expect(say(exchange, '<1@x>')).rejects.toMatchObject({ code: 'auth-unavailable' })
  })

  test.each(['', undefined])('AUT-06 needs a challenge: not %j', async (challenge) => {
    await expect(say(begin('CRAM-MD5', 'x'), challenge)).rejects.toMatchObject({ code: 'auth-unavailable' })
  })
})

test.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256'])(
  'AUT-12 %s refuses a password that would end the line',
  (name) => {
    expect(() => begin(name, 'x\r\nDELE 1')).toThrow(expect.objectContaining({ code: 'auth-failed' }))
  },
)
