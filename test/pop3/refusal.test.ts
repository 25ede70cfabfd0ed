import { describe, expect, test } from 'vitest'
import { Reply } from '../../src/pop3/reply.js'
import { isThrottle, passingFault } from '../../src/pop3/refusal.js'
import { connected } from './connected.js'

function reply(text: string): Reply {
  return new Reply(Buffer.from(text), false, (words) => words)
}

describe('refusals', () => {
  test.each([
    ['-ERR [IN-USE] do you have another POP session running?', 'locked', undefined],
    ['-ERR Unable to lock maildrop: Mailbox is locked by POP server', 'locked', undefined],
    ['-ERR maildrop already locked', 'locked', undefined],
    ['-ERR mailbox in use', 'locked', undefined],
    ['-ERR [LOGIN-DELAY] minimum time between mail checks violation', 'throttled', 10_000],
    ['-ERR login allowed only every 15 minutes', 'throttled', 900_000],
    ['-ERR Exceeded the login limit for a 15 minute period. Reduce the frequency of requests', 'throttled', 900_000],
    ['-ERR too many invalid logins', 'throttled', undefined],
    ['-ERR login rate exceeded, try again in 30 seconds', 'throttled', 30_000],
    ['-ERR [AUTH] Account exceeded POP command or bandwidth limits', 'throttled', undefined],
    ['-ERR [SYS/TEMP] Server shutting down', 'server-busy', undefined],
    ['-ERR Temporary failure', 'server-busy', undefined],
    ['-ERR [SYS/TEMP] 服务器忙', 'server-busy', undefined],
    ['-ERR [IN-USE] 邮箱已锁定', 'locked', undefined],
  ])('AUT-01, CAP-09, PRV-03, PRV-06 %s is %s', async (text, code, retryAfterMs) => {
    await using peers = await connected()
    const fault = passingFault(reply(text), peers.connection, 10_000)
    expect(fault).toMatchObject({ code, transient: true, facts: { reply: text, server: peers.connection.server } })
    expect(fault?.facts.retryAfterMs).toBe(retryAfterMs)
  })

  test.each([
    '-ERR',
    '-ERR [AUTH] Invalid credentials',
    '-ERR [AUTH] Web login required',
    '-ERR [AUTH] account locked',
    '-ERR [SYS/PERM] Your account is not enabled for POP access',
    '-ERR invalid password, try again',
    '-ERR Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy',
    '-ERR 密码错误',
    '-ERR IP blocked',
  ])('AUT-01 %s does not pass by itself', async (text) => {
    await using peers = await connected()
    expect(passingFault(reply(text), peers.connection)).toBeUndefined()
  })

  test.each([
    ['-ERR [SYS/TEMP] later', true],
    ['-ERR Download was rate limited. Try again in 300 seconds', true],
    ['-ERR daily limit reached', true],
    ['-ERR no such message', false],
    ['-ERR message exceeds the size limit', false],
    ['-ERR separate storage lost', false],
  ])('RET-16 %s: throttle %s', (text, throttle) => {
    expect(isThrottle(reply(text))).toBe(throttle)
  })
})
