import { describe, expect, test } from 'vitest'
import { Capabilities } from '../../src/pop3/capability.js'

function listed(...lines: string[]): Capabilities {
  const capabilities = new Capabilities()
  for (const line of lines) capabilities.add(line)
  return capabilities
}

describe('Capabilities', () => {
  test('CAP-06 whole tokens in any case, unknown arguments ignored', () => {
    const capabilities = listed('stls', 'SASL  plain\tXOAUTH2 ', 'LOGIN-DELAY 900 USER', 'EXPIRE NEVER', 'UTF8 USER')
    expect(capabilities.has('STLS')).toBe(true)
    expect(capabilities.has('UTF8')).toBe(true)
    expect(capabilities.offers('PLAIN')).toBe(true)
    expect(capabilities.offers('LOGIN')).toBe(false)
    expect(capabilities.loginDelayMs).toBe(900_000)
    expect(capabilities.expiresAtOnce).toBe(false)
  })

  test('CAP-06 no substrings', () => {
    const capabilities = listed('IMPLEMENTATION XOAUTH2-STLS-free PLAIN', 'XSASL PLAIN', 'NOSTLS')
    expect(capabilities.has('STLS')).toBe(false)
    expect(capabilities.offers('PLAIN')).toBe(false)
    expect(capabilities.has('NOSTLS')).toBe(true)
  })

  test('malformed lines and hostile names do no harm', () => {
    const capabilities = listed('', '  ', '2', 'EXPIRE30', 'LOGIN-DELAY many', '__proto__ x', 'LOGIN-DELAY')
    expect(capabilities.loginDelayMs).toBeUndefined()
    expect(capabilities.has('EXPIRE')).toBe(false)
    expect(capabilities.has('constructor')).toBe(false)
  })

  test('CAP-07 EXPIRE 0', () => {
    expect(listed('EXPIRE 0').expiresAtOnce).toBe(true)
  })
})
