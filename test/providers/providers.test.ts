import { describe, expect, test } from 'vitest'
import { hostName } from '../../src/plan/host.js'
import { providers } from '../../src/providers/all.js'
import { findProvider, nearestHost } from '../../src/providers/find.js'

describe('the list of providers', () => {
  test('has one entry for each name', () => {
    const ids = providers.map(({ id }) => id)
    expect(ids).toEqual(['gmail', 'yahoo-japan', 'outlook', 'microsoft365'])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test.each(providers)('$id is complete and says where its facts are from', (provider) => {
    const { id, pop3, domains, accepts, switchOn, source, checked } = provider
    expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
    expect([pop3.host, ...domains].map(hostName)).toEqual([pop3.host, ...domains].map((name) => ({ name })))
    expect(source).toMatch(/^https:\/\/[a-z]/)
    expect(new Date(checked).toISOString().slice(0, 10)).toBe(checked)
    // Clauses that are joined into one hint, which is cut where it is longer than what a line shows.
    expect([accepts, switchOn].join('; ')).not.toMatch(/[.;] ?$|\n|.{240}/)
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
  ])('%s was meant for %s', (host, meant) => {
    expect(nearestHost(host)).toBe(meant)
  })
})
