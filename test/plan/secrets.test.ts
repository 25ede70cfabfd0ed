import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/ports/clock.js'
import { Fault } from '../../src/ports/fault.js'
import type { SecretProvider } from '../../src/ports/secret.js'
import { loadPlan } from '../../src/plan/load.js'
import type { Plan } from '../../src/plan/plan.js'
import type { SecretOptions } from '../../src/plan/secrets.js'
import { resolveSecrets } from '../../src/plan/secrets.js'
import { kinds } from './kinds.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'popferry-secrets-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A clock whose time stands still until `expire` is called. */
function stoppedClock(): Clock & { readonly asked: readonly number[]; expire(): void } {
  const asked: number[] = []
  const wake: (() => void)[] = []
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve, reject) => {
      asked.push(ms)
      wake.push(resolve)
      signal?.addEventListener('abort', () => {
        reject(signal.reason as Error)
      })
    })
  return {
    asked,
    now: () => 0,
    monotonic: () => 0,
    random: () => 0,
    expire: () => {
      for (const ring of wake) ring()
    },
    sleep,
    limit: sleep,
  }
}

function planWith(...passwords: readonly string[]): Plan {
  const accounts = passwords.map(
    (password, index) => `  - source: { host: pop.example, user: u${index}, password: ${password} }
    targets: [{ type: maildir, path: "{account}" }]
`,
  )
  const bytes = new TextEncoder().encode(`version: 1\naccounts:\n${accounts.join('')}`)
  const loaded = loadPlan({ bytes, file: join(folder, 'migrate.yaml'), kinds, now: new Date(0), run: 'r' })
  if ('plan' in loaded) return loaded.plan
  throw new Error(JSON.stringify(loaded.diagnostics))
}

function resolve(plan: Plan, options: Partial<SecretOptions> = {}): ReturnType<typeof resolveSecrets> {
  const { env = {}, ...others } = options
  const path = process.env['PATH']
  const base = { withheld: plan.secretVariables, clock: stoppedClock(), env: { PATH: path, ...env } }
  return resolveSecrets(plan.accounts, { ...base, ...others })
}

async function providerOf(password: string, options: Partial<SecretOptions> = {}): Promise<SecretProvider> {
  const resolved = await resolve(planWith(password), options)
  const provider = 'providers' in resolved ? [...resolved.providers.values()][0] : undefined
  if (!provider) throw new Error(JSON.stringify(resolved))
  return provider
}

async function secretOf(password: string, options: Partial<SecretOptions> = {}): Promise<string> {
  const provider = await providerOf(password, options)
  return (await provider(new AbortController().signal)).reveal()
}

async function messagesOf(
  passwords: readonly string[],
  options: Partial<SecretOptions> = {},
): Promise<readonly string[]> {
  const resolved = await resolve(planWith(...passwords), options)
  return 'diagnostics' in resolved
    ? resolved.diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`)
    : []
}

/** A command that runs a script in this very Node. */
function script(code: string): string {
  return `{ command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(code)}] }`
}

describe('a secret arrives', () => {
  test('from the plan', async () => {
    expect(await secretOf('"  pä\\"ss #1% "')).toBe('  pä"ss #1% ')
  })

  test.each([
    ['pa$$w0rd', 'pa$$w0rd'],
    ['${X} ', '${X} '],
    ['one\n', 'one'],
    ['one\r\n', 'one'],
  ])('YML-07 from a variable: %j', async (value, secret) => {
    expect(await secretOf('{ env: PW }', { env: { PW: value } })).toBe(secret)
  })

  test('from a file beside the plan, less one final newline', async () => {
    await writeFile(join(folder, 'pw'), ' s3cret\n')
    expect(await secretOf('{ file: pw }')).toBe(' s3cret')
  })

  test('from a prompt, which names the account and comes once', async () => {
    const asked: string[] = []
    const prompt = async (account: string): Promise<string> => {
      asked.push(account)
      return 'typed'
    }
    const provider = await providerOf('{ prompt: true }', { prompt })
    const { signal } = new AbortController()
    expect([(await provider(signal)).reveal(), (await provider(signal)).reveal()]).toEqual(['typed', 'typed'])
    expect(asked).toEqual(['u0'])
  })

  test('from a command, which runs in the folder of the plan at every sign-in', async () => {
    const provider = await providerOf(
      script("const f = require('fs'); f.appendFileSync('calls', 'x'); console.log(f.readFileSync('calls', 'utf8'))"),
    )
    const { signal } = new AbortController()
    expect((await provider(signal)).reveal()).toBe('x')
    expect((await provider(signal)).reveal()).toBe('xx')
  })

  test('from a command line split with shell quotes, without a shell', async () => {
    expect(await secretOf(`{ command: "printf '%s|%s' 'a b' $HOME\\\\;{user}" }`)).toBe('a b|$HOME;u0')
  })
})

test('SEC-03 a command sees no variable that holds a secret of any account', async () => {
  const show = "process.stdout.write([process.env.KEPT, process.env.PW, process.env.OTHER].join('-'))"
  const plan = planWith(script(show), '{ env: PW }', '{ env: OTHER }')
  const env = { KEPT: 'kept', PW: 'canary', OTHER: 'canary', PATH: process.env['PATH'] }
  const resolved = await resolveSecrets(plan.accounts.slice(0, 1), {
    env,
    withheld: plan.secretVariables,
    clock: stoppedClock(),
  })
  const provider = 'providers' in resolved ? [...resolved.providers.values()][0] : undefined
  expect((await provider?.(new AbortController().signal))?.reveal()).toBe('kept--')
})

describe('what is missing is told at once, before anyone is asked', () => {
  test('SEC-10 with the place in the plan', async () => {
    await writeFile(join(folder, 'empty'), '\n')
    await writeFile(join(folder, 'two'), 'canary\ncanary\n')
    await writeFile(join(folder, 'bom'), '\ufeffcanary')
    await writeFile(join(folder, 'latin'), Uint8Array.of(0xe4))
    await writeFile(join(folder, 'large'), 'canary'.repeat(20_000))
    const forms = ['{ env: constructor }', '{ env: EMPTY }', '{ env: LINES }', '{ env: NUL }', '{ prompt: true }']
    const files = ['nowhere', '.', 'empty', 'two', 'bom', 'latin', 'large', '/dev/zero'].map(
      (file) => `{ file: ${file} }`,
    )
    const messages = await messagesOf([...forms, ...files], { env: { EMPTY: '', LINES: 'canary\nx', NUL: 'canary\0' } })
    expect(messages.map((message) => message.replace(folder, ''))).toEqual([
      '3:54 expected a secret in the environment variable constructor: there is none',
      '5:54 expected a secret in the environment variable EMPTY: there is none',
      '7:54 expected a secret of one line in the environment variable LINES: it has more than one line',
      '9:54 expected a secret of one line in the environment variable NUL: it contains a NUL',
      '11:54 expected a terminal to ask for this secret on',
      '13:54 expected a secret in the file /nowhere: it cannot be read (ENOENT)',
      '15:54 expected a secret in the file : it cannot be read (EISDIR)',
      '17:54 expected a secret in the file /empty: there is none',
      '19:54 expected a secret of one line in the file /two: it has more than one line',
      '21:54 expected a secret in the file /bom: it begins with a byte order mark',
      '23:55 expected a secret in the file /latin: it is not UTF-8 text',
      '25:55 expected a secret in the file /large: it is larger than 64 KB',
      '27:55 expected a secret in the file /dev/zero: it is larger than 64 KB',
    ])
  })

  test('a secret in the defaults is missing once', async () => {
    const text = `version: 1
defaults: { source: { host: h, password: { env: UNSET } }, targets: [{ type: maildir, path: "{account}" }] }
accounts: [{ source: { user: a } }, { source: { user: b } }]
`
    const bytes = new TextEncoder().encode(text)
    const loaded = loadPlan({ bytes, file: 'migrate.yaml', kinds, now: new Date(0), run: 'r' })
    const resolved = 'plan' in loaded && (await resolve(loaded.plan))
    expect(resolved).toMatchObject({ diagnostics: [{ line: 2, column: 42 }] })
    expect(resolved).toHaveProperty('diagnostics.length', 1)
  })

  test('nobody is asked in vain', async () => {
    const prompt = (): Promise<string> => Promise.reject(new Error('asked'))
    expect(await messagesOf(['{ prompt: true }', '{ env: UNSET }'], { prompt })).toHaveLength(1)
  })
})

describe('SEC-09 a failing command names its program only', () => {
  test.each([
    ['exit code', script("console.log('canary'); console.error('canary'); process.exit(3)"), 'failed with exit code 3'],
    ['signal', script("process.kill(process.pid, 'SIGTERM')"), 'was ended by SIGTERM'],
    ['no output', script('0'), 'printed nothing'],
    ['only a newline', script('console.log()'), 'printed nothing'],
    ['several lines', script("console.log('canary\\ncanary')"), 'printed something that has more than one line'],
    ['NUL', script("console.log('canary\\0')"), 'printed something that contains a NUL'],
    ['not text', script('process.stdout.write(Buffer.of(0xff))'), 'printed something that is not UTF-8 text'],
    [
      'endless output',
      script("for (;;) require('fs').writeSync(1, 'canary'.repeat(1000))"),
      'printed far more than a secret',
    ],
    ['no such program', '{ command: [no-such-program-here, canary] }', 'could not be started (ENOENT)'],
    ['a file for a folder', '{ command: [/dev/null/program, canary] }', 'could not be started (ENOTDIR)'],
  ])('%s', async (_, password, problem) => {
    const provider = await providerOf(password)
    const fault = await provider(new AbortController().signal).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(Fault)
    expect(fault).toHaveProperty('code', 'password-command')
    expect(String(fault)).toContain(problem)
    expect(JSON.stringify([String(fault), (fault as Fault).facts])).not.toContain('canary')
  })

  test('hang', async () => {
    const clock = stoppedClock()
    const provider = await providerOf(script('setInterval(() => 0, 1000)'), { clock })
    const asked = provider(new AbortController().signal)
    clock.expire()
    await expect(asked).rejects.toThrow('did not end within 60 s')
    expect(clock.asked).toEqual([60_000])
  })

  test('abort ends it', async () => {
    const provider = await providerOf(script('setInterval(() => 0, 1000)'))
    const stop = new AbortController()
    const asked = provider(stop.signal)
    stop.abort(new Error('stopped'))
    await expect(asked).rejects.toThrow('stopped')
    await expect(provider(stop.signal)).rejects.toThrow('stopped')
  })
})
