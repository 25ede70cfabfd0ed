import { describe, expect, test } from 'vitest'
import { apopTimestamp } from '../../src/sasl/timestamp.js'

describe('apopTimestamp', () => {
  test.each([
    ['+OK POP3 ready <1896.697170952@dbc.mtview.ca.us>', '<1896.697170952@dbc.mtview.ca.us>'],
    ['+OK <1.2@[127.0.0.1]> and more words', '<1.2@[127.0.0.1]>'],
    ['+OK <ready> <1@host>', '<1@host>'],
    ['+OK <<1@host>', '<1@host>'],
    ['+OK <1@a> <2@b>', '<1@a>'],
    ['+OK ready', undefined],
    ['+OK <1@host', undefined],
    ['+OK <@host>', undefined],
    ['+OK <1@>', undefined],
    ['+OK <1@a@b>', undefined],
    ['+OK <1 2@host>', undefined],
    ['+OK <1\x80@host>', undefined],
    ['+OK <1\0@host>', undefined],
  ])('AUT-05 %j gives %s', (greeting, timestamp) => {
    expect(apopTimestamp(Buffer.from(greeting, 'latin1'))).toBe(timestamp)
  })

  test('AUT-05 takes linear time', () => {
    const started = performance.now()
    expect(apopTimestamp(Buffer.from('<'.repeat(1_000_000)))).toBeUndefined()
    expect(apopTimestamp(Buffer.from('<a@'.repeat(300_000)))).toBeUndefined()
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
