import { describe, expect, test } from 'vitest'
import { networkFault } from '../../src/net/errors.js'

describe('networkFault', () => {
  test.each([
    ['ENOTFOUND', false, 'unknown-host', 'no such host name'],
    ['EAI_AGAIN', false, 'unreachable', 'the name server does not answer'],
    ['ECONNREFUSED', false, 'unreachable', 'the connection was refused'],
    ['EHOSTUNREACH', false, 'unreachable', 'there is no route to the host'],
    ['ETIMEDOUT', false, 'unreachable', 'the network timed out'],
    ['ECONNRESET', true, 'connection-lost', 'the connection was reset'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', true, 'wrong-protocol', 'the server does not speak TLS from the first byte'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', true, 'tls-failed', 'TLS version that is too old'],
    ['ERR_SSL_DH_KEY_TOO_SMALL', true, 'tls-failed', 'too weak'],
    ['ERR_SSL_SOMETHING_NEW', true, 'tls-failed', 'the TLS handshake failed (something new)'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', false, 'connection-lost', 'the connection broke'],
    ['EODD', false, 'connection-lost', 'the connection broke (EODD)'],
  ])('CON-04, TLS-07 %s (handshaking: %s) is %s', (code, handshaking, expected, words) => {
    const cause = Object.assign(new Error('system words'), { code })
    const fault = networkFault(cause, { server: 'h:1', phase: 'p' }, handshaking)
    expect(fault).toMatchObject({ code: expected, cause, facts: { server: 'h:1', phase: 'p' } })
    expect(fault.message).toContain(words)
  })
})
