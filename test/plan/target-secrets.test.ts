import { describe, expect, test } from 'vitest'
import { resolveSecrets } from '../../src/plan/secrets.js'
import { systemClock } from '../support/clock.js'
import { complaints, goodPlan } from './support.js'

function text(target: string, defaults = ''): string {
  const source = '{ host: pop.example, user: ann, password: { env: OLD } }'
  return `version: 1\n${defaults}accounts:\n  - source: ${source}\n    targets: [{ type: imap, ${target} }]\n`
}

describe('a target that signs in', () => {
  test('has its own secrets, beside its settings', () => {
    const plan = goodPlan(text('host: imap.example, user: "{user}", password: { env: NEW }'))
    const [target] = plan.accounts[0]?.targets ?? []
    expect(target?.settings).toEqual({ host: 'imap.example', user: 'ann', tls: 'implicit', folder: 'INBOX' })
    expect([...(target?.secrets ?? [])].map(([key, { form }]) => [key, form])).toEqual([['password', 'env']])
    expect(plan.secretVariables).toEqual(['OLD', 'NEW'])
    expect(plan.secretFiles).toEqual([])
  })

  test('with one in the plan itself', () => {
    expect(goodPlan(text('host: imap.example, user: a, password: "x y"')).secretFiles).toHaveLength(1)
  })

  test('takes what it lacks from a preset', () => {
    const [target] = goodPlan(text('provider: gmail, user: a, password: x')).accounts[0]?.targets ?? []
    expect(target?.settings).toMatchObject({ host: 'imap.gmail.com', tls: 'implicit' })
  })

  test.each([
    ['host: imap.example, user: a', '4:15: `password` or `oauth2` is missing: expected a secret to sign in with'],
    ['host: imap.example, user: a, password: 0123', /quote it/],
    ['host: imap.example, user: a, password: { env: A, file: B }', /expected \{ env: NAME \}/],
    ['host: imap.example, user: a, oauth2: { accessTocken: x }', /accessToken/],
    ['user: a, password: x', /`host` is missing/],
    ['provider: gmial, user: a, password: x', /did you mean `gmail`/],
  ])('is complained of: %s', (target, complaint) => {
    const [first] = complaints(text(target))
    if (typeof complaint === 'string') expect(first).toBe(complaint)
    else expect(first).toMatch(complaint)
  })

  test('of the defaults is complained of once', () => {
    const defaults = 'defaults: { targets: [{ type: imap, host: imap.example, user: a }] }\n'
    const accounts = ['a', 'b']
      .map((user) => `  - source: { host: pop.example, user: ${user}, password: x }\n`)
      .join('')
    expect(complaints(`version: 1\n${defaults}accounts:\n${accounts}`)).toHaveLength(1)
  })

  test('is asked for by the names of account and target, after what can be read without asking', async () => {
    const plan = goodPlan(text('name: new, host: imap.example, user: a, password: { prompt: true }'))
    const asked: unknown[] = []
    const resolved = await resolveSecrets(plan.accounts, {
      env: { OLD: 'old' },
      withheld: [],
      clock: systemClock,
      prompt: async (...whose) => {
        asked.push(whose)
        return 'new'
      },
    })
    expect(asked).toEqual([['ann', 'new']])
    const providers = 'providers' in resolved ? [...resolved.providers.values()] : []
    const secrets = await Promise.all(providers.map(async (one) => one(new AbortController().signal)))
    expect(secrets.map((secret) => secret.reveal())).toEqual(['old', 'new'])
  })
})
