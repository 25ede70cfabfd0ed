import { describe, expect, test } from 'vitest'
import { Fault, type FaultCode } from '../../src/ports/fault.js'
import { findProvider } from '../../src/providers/find.js'
import { advised } from '../../src/sources/pop3-advice.js'
import { pop3 } from '../../src/sources/pop3.js'
import { greeted, maildrop, never, sourceAt } from './maildrop.js'
import { ScriptServer } from '../pop3/script-server.js'

interface Chosen {
  readonly provider?: string
  readonly user?: string
  readonly host?: string
  readonly code?: FaultCode
}

function hint(reply: string, { provider, user = 'a@gmail.com', host = 'pop.old.example', code }: Chosen = {}): string {
  const fault = new Fault(code ?? 'auth-failed', 'refused', { reply, server: 's', phase: 'sign-in' })
  const result = advised(fault, { host, user, provider: findProvider(provider, host, user) })
  expect(result).toMatchObject({
    code: fault.code,
    message: 'refused',
    facts: { reply, server: 's', phase: 'sign-in' },
  })
  return (result as Fault).hint
}

describe('PRV-03, PRV-09 advice from the words of servers', () => {
  test.each<[string, RegExp, Chosen?]>([
    ['-ERR [AUTH] Application-specific password required: https://support.google.com/x', /^make an app password/],
    ['-ERR Please using authorized code to login.', /authorization code/],
    ['-ERR 请使用授权码登录', /authorization code/],
    ['-ERR [AUTH] BasicAuthBlocked: basic auth is disabled', /`oauth2` instead of `password`/],
    ['-ERR [AUTH] Web login required: https://support.google.com/mail/answer/78754', /once with a browser/],
    ['-ERR [AUTH] Please log in via your web browser', /once with a browser/],
    [
      '-ERR [SYS/PERM] Your account is not enabled for POP access. Please visit your Gmail settings',
      /^POP is switched off/,
    ],
    ['-ERR POP3 access disabled for this user', /^POP is switched off/],
    ['-ERR pop3 service has not been enabled', /^POP is switched off/],
    ['-ERR User is not allowed to use POP', /^POP is switched off/],
    ['-ERR 您没有权限使用pop3功能', /^POP is switched off/],
    ['-ERR [AUTH] Password expired', /^the password has expired/],
    ['-ERR [AUTH] Account disabled', /^the account itself is locked or disabled/],
    ['-ERR your account has been temporarily suspended', /^the account itself is locked or disabled/],
    ['-ERR [AUTH] account locked', /^the account itself is locked or disabled/],
    ['-ERR mailbox quota exceeded', /over its quota/, { code: 'throttled' }],
    ['-ERR [SYS/TEMP] mailbox full', /over its quota/, { code: 'server-busy' }],
    ['-ERR [AUTH] USER command only available under a layer', /wants TLS/],
    [
      '-ERR Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy',
      /does not say which.*authorization code/,
    ],
  ])('%s', (reply, expected, chosen) => {
    expect(hint(reply, chosen)).toMatch(expected)
  })

  test.each<[string, Chosen?]>([
    ['-ERR [AUTH] Authentication failed.'],
    ['-ERR invalid password for pop3 user'],
    ['-ERR'],
    ['-ERR [IN-USE] account is locked by another session', { code: 'locked' }],
    ['-ERR account locked, try again in 5 minutes', { code: 'throttled' }],
    ['-ERR [AUTH] Account exceeded POP command or bandwidth limits', { code: 'throttled', provider: 'gmail' }],
  ])('%s says no more than the table of faults does', (reply, chosen) => {
    const { hint: usual } = new Fault(chosen?.code ?? 'auth-failed', '')
    expect(hint(reply, chosen)).toBe(usual)
  })
})

describe('advice for providers', () => {
  test('Gmail: which password, and where POP is switched on', () => {
    expect(hint('-ERR [AUTH] Username and password not accepted.', { provider: 'gmail' })).toBe(
      'Google accepts only an app password (https://myaccount.google.com/apppasswords), in Workspace only `oauth2`; ' +
        'POP must be switched on in the settings of Gmail (Forwarding and POP/IMAP)',
    )
  })

  test('by the host alone', () => {
    expect(hint('-ERR no', { host: 'pop.gmail.com' })).toContain('Google accepts only an app password')
    expect(hint('-ERR no', { host: 'outlook.office365.com', user: 'a@hotmail.com' })).toContain(
      'Outlook.com accepts no',
    )
  })

  test('the words of the server choose from it', () => {
    expect(hint('-ERR [SYS/PERM] Your account is not enabled for POP access.', { provider: 'gmail' })).toBe(
      'POP must be switched on in the settings of Gmail (Forwarding and POP/IMAP)',
    )
    expect(hint('-ERR [AUTH] Application-specific password required', { provider: 'gmail' })).toMatch(
      /^Google accepts only an app password \(\S+\), in Workspace only `oauth2`$/,
    )
  })

  test('a user name that cannot be right', () => {
    expect(hint('-ERR no', { provider: 'gmail', user: 'a' })).toMatch(/^`user` must be the whole address; Google/)
    expect(hint('-ERR no', { provider: 'yahoo-japan', user: 'a@yahoo.co.jp' })).toMatch(
      /^`user` must be what stands before/,
    )
    expect(hint('-ERR no', { provider: 'yahoo-japan', user: 'a' })).toMatch(/^Yahoo! Japan accepts/)
  })

  test('advice of who made the fault is the better one', () => {
    const fault = new Fault('auth-failed', 'refused', { hint: 'mine' })
    expect(advised(fault, { host: 'pop.gmail.com', user: 'a', provider: undefined })).toBe(fault)
  })

  test('what is no fault passes', () => {
    const error = new Error('stop')
    expect(advised(error, { host: 'h', user: 'a', provider: undefined })).toBe(error)
  })

  test('a misspelt host', () => {
    const chosen = { code: 'unknown-host', host: 'pop.gmial.com' } as const
    expect(hint('', chosen)).toBe('did you mean `host: pop.gmail.com`?')
    expect(hint('', { ...chosen, host: 'pop.old.example' })).toBe(new Fault('unknown-host', '').hint)
  })
})

describe('a source with a provider', () => {
  test('knows its habits, by name and by host', () => {
    const rules = (settings: object): unknown =>
      pop3.create(pop3.settings.parse({ user: 'a', ...settings }), { account: 'a' } as never).rules
    expect(rules({ provider: 'gmail', host: '127.0.0.1' })).toMatchObject({ windowed: true })
    expect(rules({ host: 'pop.gmail.com' })).toMatchObject({ windowed: true })
    expect(rules({ host: 'pop.old.example' })).toMatchObject({ windowed: false })
  })

  test('its server counts, however it is named', () => {
    const server = (settings: object): string =>
      pop3.create(pop3.settings.parse({ user: 'a', ...settings }), { account: 'a' } as never).server
    expect(server({ provider: 'gmail', ...pop3.presets?.settings.get('gmail') })).toBe(
      server({ host: 'pop.gmail.com' }),
    )
  })

  test('PRV-04 what Gmail does with fetched mail is said with EXPIRE 0', async () => {
    await using server = await ScriptServer.start(greeted(maildrop([], 'EXPIRE 0\r\nUIDL\r\n')))
    const warnings = async (settings: object): Promise<unknown> => {
      const { source, events } = sourceAt(server.port, { ...settings })
      await (await source.connect(never))[Symbol.asyncDispose]()
      return events.map((event) => event.type === 'warning' && event.message)
    }
    const inGeneral = 'the server may remove messages as soon as they were fetched (EXPIRE 0)'
    expect(await warnings({})).toEqual([inGeneral])
    const { afterFetch } = findProvider('gmail', '', '') ?? {}
    expect(await warnings({ provider: 'gmail' })).toEqual([`${inGeneral}: ${String(afterFetch)}`])
  })

  test('AUT-14 advice also where the refusal comes behind the sign-in', async () => {
    const reply = '-ERR [SYS/PERM] Your account is not enabled for POP access. Please visit your Gmail settings page.'
    await using server = await ScriptServer.start(greeted({ ...maildrop(['a\r\n']), STAT: `${reply}\r\n` }))
    const { source } = sourceAt(server.port, { provider: 'gmail' })
    const switchOn = findProvider('gmail', '', '')?.switchOn
    await using session = await source.connect(never)
    await expect(session.list()).rejects.toMatchObject({ code: 'auth-failed', hint: switchOn })
  })
})
