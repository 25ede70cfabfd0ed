import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { complaints, goodPlan, load } from './support.js'

const folder = new URL('../../fixtures/plans/', import.meta.url)
const read = (name: string): Uint8Array => readFileSync(new URL(name, folder))
const named = (kind: string): readonly string[] =>
  readdirSync(new URL(kind, folder)).flatMap((name) => (name.endsWith('.yaml') ? [`${kind}/${name.slice(0, -5)}`] : []))

const minimal = new TextDecoder().decode(read('good/minimal.yaml'))

describe('good plans', () => {
  test.each(named('good'))('%s', (name) => {
    expect(load(read(`${name}.yaml`))).toHaveProperty('accounts')
  })

  test('the example of the repository, as far as these kinds have its keys', () => {
    const example = readFileSync(new URL('../../migrate.example.yaml', import.meta.url))
    expect(goodPlan(example).accounts.map(({ name, targets }) => [name, targets.map((target) => target.name)])).toEqual(
      [
        ['alice', ['maildir', 'mbox']],
        ['bob', ['maildir', 'mbox']],
        ['carol', ['maildir', 'by-day', 'eml-zip', 'imap']],
      ],
    )
  })

  test('defaults of the contract', () => {
    expect(goodPlan(minimal)).toMatchObject({
      file: '/plans/migrate.yaml',
      state: '/plans/migrate.state',
      concurrency: { accounts: 4, perHost: 2 },
      limits: { memory: 64 * 1024 * 1024 },
      retry: { attempts: 5, minDelay: 1000, maxDelay: 120_000, maxWait: 900_000 },
      timeouts: { connect: 30_000, reply: 300_000, stall: 120_000, settle: 30_000 },
      warnings: [],
      secretFiles: [],
      secretVariables: ['PW'],
    })
  })

  test('everything that can be set', () => {
    const plan = goodPlan(read('good/full.yaml'))
    expect(plan).toMatchObject({
      state: '/var/lib/popferry',
      concurrency: { accounts: 8, perHost: 1 },
      limits: { bandwidth: 20 * 1024 * 1024, memory: 1024 ** 3 },
      retry: { attempts: 3, minDelay: 0, maxDelay: 300_000, maxWait: 43_200_000 },
      timeouts: { connect: 500, reply: 60_000, stall: 2000, settle: 0 },
      secretFiles: ['/plans/migrate.yaml'],
    })
    expect(plan.accounts.map(({ name, previously, host, user }) => ({ name, previously, host, user }))).toEqual([
      { name: 'alice', previously: 'alicia', host: 'pop.old.example', user: 'alice@old.example' },
      { name: 'bob', previously: undefined, host: 'bob.xn--bcher-kva.example', user: 'bob' },
      { name: 'DOM\\carol', previously: undefined, host: '::1', user: 'DOM\\carol' },
      { name: 'dave', previously: undefined, host: 'pop.old.example', user: '*dave' },
    ])
    expect(plan.accounts[1]?.source.settings).toEqual({
      host: 'bob.xn--bcher-kva.example',
      user: 'bob',
      tls: 'implicit',
      allowPlaintext: false,
      tlsOptions: { ca: '/plans/certs/ca.pem', verify: false },
    })
  })

  test('targets get names, paths and series', () => {
    const [alice, bob] = goodPlan(read('good/full.yaml')).accounts
    expect(alice?.targets.map(({ name, settings, series }) => ({ name, settings, series }))).toEqual([
      {
        name: 'maildir',
        settings: { path: '/plans/archive/alice', folder: 'alice@old.example', newline: 'lf' },
        series: undefined,
      },
      {
        name: 'mbox',
        settings: { path: '/plans/archive/2026-03-04/run-1/pop.old.example.mbox' },
        series: '/plans/archive/{date}/{run}/pop.old.example.mbox',
      },
    ])
    expect(bob?.targets.map(({ name, previously }) => [name, previously])).toEqual([
      ['maildir', 'maildir'],
      ['maildir-2', undefined],
      ['third', undefined],
      ['maildir-4', undefined],
    ])
  })

  test('YML-05 a quoted secret arrives byte for byte; SEC-07 and prints as ***', () => {
    const plan = goodPlan(read('good/full.yaml'))
    const spec = plan.accounts[0]?.secrets.get('password')
    expect(spec?.form === 'text' && spec.secret.reveal()).toBe(`pa: #'%  `)
    expect(inspect(plan, { depth: null })).not.toContain('pa: #')
  })

  test('the secret of an account replaces that of the defaults as a whole', () => {
    const forms = goodPlan(read('good/full.yaml')).accounts.map(({ secrets }) => secrets.get('password')?.form)
    expect(forms).toEqual(['text', 'file', 'command', 'command'])
  })

  test('a token is a secret in every form, and replaces that of the defaults as a whole', () => {
    const { accounts } = goodPlan(read('good/oauth2.yaml'))
    const forms = accounts.map(({ secrets }) => [...secrets].map(([key, { form }]) => `${key} ${form}`))
    expect(forms).toEqual([
      ['oauth2.accessToken env'],
      ['oauth2.accessToken file'],
      ['oauth2.accessToken command'],
      ['password env', 'oauth2.accessToken text'],
    ])
    expect(accounts[2]?.secrets.get('oauth2.accessToken')).toMatchObject({ words: ['token-helper', 'u2'] })
    for (const { source } of accounts) expect(source.settings).not.toHaveProperty('oauth2')
    expect(inspect(accounts, { depth: null })).not.toContain('a quoted one')
  })

  test.each<[string, number | undefined]>([
    ['', undefined],
    ['keep', undefined],
    ['delete', 0],
    ['{ deleteAfter: 30d }', 30 * 86_400_000],
    ['{ deleteAfter: 0d }', 0],
  ])('DEL-10 afterCopy: %s', (rule, expected) => {
    const text = rule === '' ? minimal : `${minimal}    afterCopy: ${rule}\n`
    expect(goodPlan(text).accounts[0]?.deleteAfter).toBe(expected)
  })

  test('AUT-12 blanks around a user are kept, with a warning', () => {
    const plan = goodPlan(minimal.replace('user: alice', 'user: " alice"').replace('- source', '- name: a\n    source'))
    expect(plan.accounts[0]?.user).toBe(' alice')
    expect(plan.warnings).toMatchObject([{ code: 'blanks-around-user', account: 'a' }])
  })

  test('%YAML 1.1 does not change how values are read', () => {
    const plan = goodPlan(`%YAML 1.1\n---\n${minimal.replace('alice', 'yes')}`)
    expect(plan.accounts[0]?.user).toBe('yes')
  })

  test('Windows line ends', () => {
    expect(goodPlan(minimal.replaceAll('\n', '\r\n')).accounts).toHaveLength(1)
  })
})

describe('bad plans: everything wrong is told at once, with its place', () => {
  const expectComplaints = (name: string): void => {
    const expected = new TextDecoder()
      .decode(read(`${name}.txt`))
      .trimEnd()
      .split('\n')
    expect(complaints(read(`${name}.yaml`))).toEqual(expected)
  }
  const quirks: readonly (readonly [string, string])[] = [
    ['YML-01', 'bad/bom'],
    ['YML-01', 'bad/empty'],
    ['YML-01', 'bad/latin-1'],
    ['YML-01', 'bad/list-at-top'],
    ['YML-01', 'bad/tab'],
    ['YML-01', 'bad/two-documents'],
    ['YML-01', 'bad/utf-16'],
    ['YML-02', 'bad/duplicate-keys'],
    ['YML-04', 'bad/unknown-keys'],
    ['YML-05', 'bad/unquoted-secrets'],
    ['YML-08', 'bad/after-copy'],
    ['YML-08', 'bad/wrong-values'],
    ['YML-09', 'bad/units'],
    ['YML-12', 'bad/merge-key-and-prototype'],
  ]

  test.each(quirks)('%s %s', (_, name) => {
    expectComplaints(name)
  })

  const others = named('bad').filter((name) => !quirks.some(([, known]) => known === name))
  test.each(others)('%s', expectComplaints)

  test('YML-06 only a comment on the line of the secret is one', () => {
    const secret = (text: string): string =>
      minimal.replace(/- source: .*/, `- source:\n      host: h\n      user: u\n${text}`)
    expect(load(secret('      password: pass\n      # comment'))).toHaveProperty('accounts')
    expect(load(secret('      password: "pass" # comment'))).toHaveProperty('accounts')
    expect(load(secret('      password: pass#word'))).toHaveProperty('accounts')
    expect(complaints(secret('      password: pass\t# comment'))).toHaveLength(1)
  })
})

describe('YML-03 a bomb is refused at once', () => {
  test.each([
    ['nested brackets', '['.repeat(20_000)],
    ['nested brackets, closed', `version: ${'['.repeat(500)}${']'.repeat(500)}`],
    ['more than 1 MB', `# ${'x'.repeat(1024 * 1024)}`],
    ['an alias inside its own anchor', 'version: &a [*a]'],
    ['one large value many times', `version: &a [${'x,'.repeat(50_000)}]\nstate: [${'*a,'.repeat(90)}]`],
    ['many keys', Array.from({ length: 50_000 }, (_, index) => `k${index}: 1`).join('\n')],
  ])(
    '%s',
    (_, text) => {
      const start = performance.now()
      expect(complaints(text)).not.toEqual([])
      // A bomb that goes off takes minutes; a busy machine takes seconds.
      expect(performance.now() - start).toBeLessThan(20_000)
    },
    30_000,
  )
})

test('SEC-08 whatever is mistyped, no message shows a secret', () => {
  const canary = 'S3cretCanary'
  const plan = `version: 1
defaults:
  source: { host: pop.example }
accounts:
  - name: a
    source:
      user: alice
      password: ${canary}
    targets: [{ type: maildir, path: "mail/{account}" }]
  - source: { user: bob, password: "${canary}" }
    targets: [{ type: maildir, path: bob }]
  - source: { user: carol, password: { command: [echo, ${canary}] } }
    targets: [{ type: mbox, path: carol }]
`
  // Everything but the secrets themselves may be hit.
  const places = Array.from(plan, (_, index) => index).filter((index) => !insideCanary(plan, canary, index))
  const slip = fc.record({
    at: fc.constantFrom(...places),
    remove: fc.integer({ min: 0, max: 3 }),
    insert: fc.constantFrom(
      '',
      ' ',
      '\n',
      '\t',
      ':',
      ': ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '#',
      '!',
      '&',
      '*',
      '@',
      '|',
      '? ',
      '- ',
      ',',
      '\\',
      '~',
      '\u0007',
    ),
  })
  const broken = fc.array(slip, { minLength: 1, maxLength: 3 }).map((slips) =>
    slips
      .sort((a, b) => b.at - a.at)
      .reduce((text, { at, remove, insert }) => {
        const next = text.indexOf(canary, at)
        const end = Math.min(at + remove, next < 0 ? text.length : next)
        return text.slice(0, at) + insert + text.slice(end)
      }, plan),
  )
  fc.assert(
    fc.property(broken, (text) => {
      const loaded = load(text)
      if (!('accounts' in loaded)) expect(loaded.join('\n').toLowerCase()).not.toContain('canary')
    }),
    { numRuns: 400 },
  )
})

function insideCanary(text: string, canary: string, index: number): boolean {
  const start = text.lastIndexOf(canary, index)
  return start >= 0 && index > start && index < start + canary.length
}
