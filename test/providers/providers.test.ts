import { describe, expect, test } from 'vitest'
import { hostName } from '../../src/plan/host.js'
import { providers } from '../../src/providers/all.js'
import { description, serverName } from '../../src/providers/describe.js'
import { findProvider, nearestHost, providerOf } from '../../src/providers/find.js'
import { presetNames, presetSettings, unknownPreset } from '../../src/providers/names.js'

describe('the list of providers', () => {
  test('has one entry for each name', () => {
    const ids = providers.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining(['gmail', 'yahoo-japan', 'outlook', 'microsoft365']))
    expect(ids.length).toBeGreaterThanOrEqual(34)
    expect(new Set(ids).size).toBe(ids.length)
    const domains = providers.flatMap(({ domains }) => domains)
    expect(new Set(domains).size).toBe(domains.length)
  })

  test.each(providers)('$id is complete and says where its facts are from', (provider) => {
    const { id, pop3, imap, imapOnly, hosts, domains, accepts, switchOn, source, checked } = provider
    expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
    const servers = [pop3, imap].filter((server) => server !== undefined)
    const names = [...servers.flatMap(({ host }) => host ?? []), ...domains.filter((domain) => !domain.endsWith('.*'))]
    expect(names.map(hostName)).toEqual(names.map((name) => ({ name })))
    // A server without a name says where it is to be had; where there is no POP3, there is IMAP.
    expect(servers.length).toBeGreaterThan(0)
    expect(servers.every(({ host }) => host !== undefined)).toBe(hosts === undefined)
    if (imapOnly) expect([pop3, imap]).toEqual([undefined, expect.anything()])
    expect(source).toMatch(/^https:\/\/[a-z]|^(?:the manual|the help pages|the support pages|help page \d+) of \w/)
    expect(new Date(checked).toISOString().slice(0, 10)).toBe(checked)
    // Clauses that are joined into one hint, which is cut where it is longer than what a line shows.
    const clauses = [accepts, switchOn].filter((clause) => clause !== undefined)
    expect(clauses.join('; ')).not.toMatch(/[.;] ?$|\n|.{240}/)
    expect(description(provider).at(-1)).toEqual(['Source', expect.stringContaining(checked)])
  })

  test('recognises a provider by its host', () => {
    expect(findProvider(undefined, 'pop.gmail.com', 'recent:a@company.example')?.id).toBe('gmail')
    expect(findProvider(undefined, 'pop.mail.yahoo.co.jp', 'a')?.id).toBe('yahoo-japan')
    expect(findProvider(undefined, 'outlook.office365.com', 'a@Hotmail.com')?.id).toBe('outlook')
    expect(findProvider(undefined, 'outlook.office365.com', 'a@company.example')?.id).toBe('microsoft365')
    expect(findProvider(undefined, 'outlook.office365.com', 'a')?.id).toBe('microsoft365')
    expect(findProvider(undefined, 'pop.gmail.com.evil.example', 'a@gmail.com')).toBeUndefined()
  })

  test('the name counts more than the host', () => {
    expect(findProvider('gmail', '127.0.0.1', 'a')?.id).toBe('gmail')
    expect(findProvider('outlook', 'outlook.office365.com', 'a@company.example')?.id).toBe('outlook')
  })

  test.each([
    ['pop.gmial.com', 'pop.gmail.com'],
    ['pop.gmail.co', 'pop.gmail.com'],
    ['outlook.offic365.com', 'outlook.office365.com'],
    ['pop.example.com', undefined],
    ['pop.gmx.com', undefined],
    ['pop.gmx.con', 'pop.gmx.com'],
    ['pop.xy.com', undefined],
  ])('%s was meant for %s', (host, meant) => {
    expect(nearestHost(host)).toBe(meant)
  })

  test.each([
    ['alice@gmail.com', 'gmail'],
    ['Alice@GoogleMail.com.', 'gmail'],
    ['"a@b"@web.de', 'web-de'],
    ['icloud.com', 'icloud'],
    ['icloud', 'icloud'],
    ['a@yahoo.co.jp', 'yahoo-japan'],
    ['a@yahoo.fr', 'yahoo'],
    ['a@yahoo.com.br', 'yahoo'],
    ['a@yahoo.evil.example', undefined],
    ['a@company.example', undefined],
    ['a@gmail.com.evil.example', undefined],
    ['', undefined],
    ['constructor', undefined],
  ])('%s is served by %s', (address, id) => {
    expect(providerOf(address)?.id).toBe(id)
  })
})

describe('what the plan may name', () => {
  test('PRV-09 only what has such a server', () => {
    for (const name of ['icloud', 'docomo', 'softbank', 'so-net', 'netease-126']) {
      expect(presetNames('pop3')).not.toContain(name)
      expect(presetNames('imap')).toContain(name)
    }
    expect(presetNames('imap')).not.toContain('onamae')
  })

  test('PRV-09 stands for settings of the plan, such as the pause that a server wants', () => {
    expect(presetSettings('pop3').get('web-de')).toEqual({ host: 'pop3.web.de', tls: 'implicit', signInEvery: '15m' })
    expect(presetSettings('imap').get('web-de')).toEqual({ host: 'imap.web.de', tls: 'implicit' })
    expect(presetSettings('pop3').get('xserver')).toEqual({ tls: 'implicit' })
  })

  test('and what is said of other names', () => {
    expect(unknownPreset('gmial', 'pop3')).toBe('expected a preset that `popferry providers` lists')
    expect(unknownPreset(['gmail'], 'pop3')).toBe('expected a preset that `popferry providers` lists')
    expect(unknownPreset('icloud', 'pop3')).toBe('iCloud Mail has no POP3, only IMAP: it can be a target, not a source')
    expect(unknownPreset('so-net', 'pop3')).toMatch(/^no POP3 server of So-net is known: give `host`/)
    expect(unknownPreset('onamae', 'imap')).toMatch(/^no IMAP server of Onamae\.com \(GMO\) is known: give `host`/)
  })

  test('what is unknown stays unknown', () => {
    const named = (id: string): unknown => {
      const provider = providers.find((provider) => provider.id === id)
      return provider && [serverName(provider, 'pop3'), serverName(provider, 'imap')]
    }
    expect(named('yahoo-bb')).toEqual(['ybbpop.mail.yahoo.co.jp', 'unknown'])
    expect(named('so-net')).toEqual(['unknown', 'imap.so-net.ne.jp'])
    expect(named('softbank')).toEqual(['none', 'imap.softbank.jp'])
    expect(named('ionos')).toEqual(["the customer's own", "the customer's own"])
  })
})
