import { describe, expect, test } from 'vitest'
import { complaints, goodPlan } from './support.js'

const rest = 'targets: [{ type: maildir, path: "{host}" }]'

function source(own: string, defaults = '{}'): unknown {
  const text = `version: 1\ndefaults: { source: ${defaults} }\naccounts:\n  - source: ${own}\n    ${rest}\n`
  const [account] = goodPlan(text).accounts
  return { host: account?.host, path: account?.targets[0]?.settings, ...(account?.source.settings as object) }
}

const gmail = { provider: 'gmail', host: 'pop.gmail.com', tls: 'implicit' }

describe('presets', () => {
  test('fill in what the plan does not say', () => {
    expect(source('{ provider: gmail, user: a, password: x }')).toMatchObject(gmail)
    expect(source('{ provider: outlook, user: a, password: x }')).toMatchObject({ port: 1995 })
  })

  test('count as the host in templates', () => {
    expect(source('{ provider: gmail, user: a, password: x }')).toMatchObject({
      path: { path: '/plans/pop.gmail.com' },
    })
  })

  test.each([
    ['{ provider: gmail, host: localhost, port: 1, user: a, password: x }', '{}', { host: 'localhost', port: 1 }],
    ['{ host: localhost, user: a, password: x }', '{ provider: gmail, port: 2 }', { host: 'localhost', port: 2 }],
    ['{ provider: gmail, user: a, password: x }', '{ host: localhost }', { host: 'localhost' }],
    ['{ provider: outlook, tls: starttls, port: 110, user: a, password: x }', '{}', { tls: 'starttls', port: 110 }],
    ['{ provider: outlook, user: a, password: x }', '{ provider: gmail }', { host: 'outlook.office365.com' }],
    ['{ user: a, password: x }', '{ provider: gmail }', gmail],
  ])('keys of the plan win: %s under %s', (own, defaults, expected) => {
    expect(source(own, defaults)).toMatchObject(expected)
  })

  test.each([
    ['{ provider: gmial, user: a, password: x }', 'expected gmail or outlook; did you mean `gmail`?'],
    ['{ provider: Gmail, user: a, password: x }', 'expected gmail or outlook; did you mean `gmail`?'],
    ['{ provider: [gmail], user: a, password: x }', 'expected gmail or outlook'],
    ['{ provider: , user: a, password: x }', 'expected gmail or outlook'],
  ])('only a wrong name is complained of: %s', (own, complaint) => {
    const text = `version: 1\naccounts:\n  - source: ${own}\n    ${rest}\n`
    expect(complaints(text)).toEqual([`3:25: ${complaint}`])
  })

  test('one maildrop, named by its provider and by its host', () => {
    const account = (name: string, which: string): string =>
      `  - name: ${name}\n    source: { ${which}, user: a, password: x }\n    ${rest}\n`
    const text = `version: 1\naccounts:\n${account('a', 'provider: gmail')}${account('b', 'host: pop.gmail.com')}`
    expect(complaints(text)).toEqual(['6:5: expected another maildrop: it is the same host and user as that of line 3'])
  })

  test('a kind without presets has none', () => {
    const text = `version: 1\naccounts:\n  - source: { type: spare, provider: gmail, user: a }\n    ${rest}\n`
    expect(complaints(text)).toEqual(['3:13: `host` is missing: expected text', expect.stringContaining('unknown key')])
  })
})
