import { open } from 'node:fs/promises'
import type { Clock } from '../ports/clock.js'
import type { SecretProvider } from '../ports/secret.js'
import { Secret } from '../ports/secret.js'
import type { Environment } from './command.js'
import { commandFault, runCommand } from './command.js'
import type { Diagnostic } from './diagnostic.js'
import type { PlannedAccount } from './plan.js'
import type { SecretSpec } from './secret-spec.js'
import { secretTextProblem } from './secret-spec.js'

/** Who gives each secret of a plan. */
export type SecretProviders = ReadonlyMap<SecretSpec, SecretProvider>

export interface SecretOptions {
  readonly env: Environment
  /** Variables that no child process may see: the plan's `secretVariables`. */
  readonly withheld: readonly string[]
  readonly clock: Clock
  /** Asks on the terminal for the secret of an account, or of one of its targets; absent where there is none. */
  readonly prompt?: (account: string, target?: string) => Promise<string>
}

/** All secrets of an account, those of its source first. */
export function secretsOf({ secrets, targets }: PlannedAccount): readonly SecretSpec[] {
  return [...secrets.values(), ...targets.flatMap((target) => [...target.secrets.values()])]
}

/**
 * Makes the providers of the accounts' secrets. Variables and files are read and prompts shown once, now; commands run at
 * each call of their provider. What is missing comes back as diagnostics, all at once, before anyone is asked.
 */
export async function resolveSecrets(
  accounts: readonly PlannedAccount[],
  options: SecretOptions,
): Promise<{ readonly providers: SecretProviders } | { readonly diagnostics: readonly Diagnostic[] }> {
  // By place: a secret in the defaults is missing once, not for each account.
  const missing = new Map<string, Diagnostic>()
  const providers = new Map<SecretSpec, SecretProvider>()
  const wanted = accounts.flatMap((account) => [
    ...[...account.secrets.values()].map((spec) => ({ whose: [account.name] as const, spec })),
    ...account.targets.flatMap(({ name, secrets }) =>
      [...secrets.values()].map((spec) => ({ whose: [account.name, name] as const, spec })),
    ),
  ])
  // Array.sort is stable: the prompts come last, in the order of the plan.
  wanted.sort((a, b) => Number(a.spec.form === 'prompt') - Number(b.spec.form === 'prompt'))
  for (const { whose, spec } of wanted) {
    if (spec.form === 'prompt' && options.prompt && missing.size > 0) break
    const resolved = await resolveSecret(spec, whose, options)
    if (typeof resolved === 'string') missing.set(JSON.stringify(spec.place), { ...spec.place, message: resolved })
    else providers.set(spec, resolved)
  }
  const diagnostics = [...missing.values()].sort((a, b) => a.line - b.line || a.column - b.column)
  return diagnostics.length > 0 ? { diagnostics } : { providers }
}

/** The provider, or what was expected. */
async function resolveSecret(
  spec: SecretSpec,
  whose: readonly [account: string, target?: string],
  options: SecretOptions,
): Promise<SecretProvider | string> {
  switch (spec.form) {
    case 'text':
      return always(spec.secret)
    case 'env':
      return fixed(
        (Object.hasOwn(options.env, spec.variable) && options.env[spec.variable]) || '',
        `the environment variable ${spec.variable}`,
      )
    case 'file':
      return readSecretFile(spec.path)
    case 'prompt':
      if (!options.prompt) return 'expected a terminal to ask for this secret on'
      return fixed(await options.prompt(...whose), 'the answer')
    case 'command': {
      const withheld = new Set(options.withheld)
      const env = Object.fromEntries(Object.entries(options.env).filter(([name]) => !withheld.has(name)))
      return (signal) => askCommand({ ...spec, env }, options.clock, signal)
    }
  }
}

function always(secret: Secret): SecretProvider {
  return async () => secret
}

function fixed(raw: string, what: string): SecretProvider | string {
  const text = withoutFinalNewline(raw)
  if (text === '') return `expected a secret in ${what}: there is none`
  const problem = secretTextProblem(text)
  return problem === undefined ? always(new Secret(text)) : `expected a secret of one line in ${what}: it ${problem}`
}

const maxFileBytes = 64 * 1024

async function readSecretFile(path: string): Promise<SecretProvider | string> {
  const what = `the file ${path}`
  let bytes: Uint8Array
  try {
    bytes = await readStart(path, maxFileBytes + 1)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    return `expected a secret in ${what}: it cannot be read (${code})`
  }
  if (bytes.length > maxFileBytes) return `expected a secret in ${what}: it is larger than 64 KB`
  const text = decode(bytes)
  // QUIRKS YML-07: an editor's byte order mark would become part of the password.
  if (text?.startsWith('\ufeff')) return `expected a secret in ${what}: it begins with a byte order mark`
  return text === undefined ? `expected a secret in ${what}: it is not UTF-8 text` : fixed(text, what)
}

/** Not more than `limit` bytes, whatever the path leads to. */
async function readStart(path: string, limit: number): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const bytes = new Uint8Array(limit)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, limit - length, null)
      length += bytesRead
      if (bytesRead === 0 || length === limit) return bytes.subarray(0, length)
    }
  } finally {
    await file.close()
  }
}

async function askCommand(
  command: Parameters<typeof runCommand>[0],
  clock: Clock,
  signal: AbortSignal,
): Promise<Secret> {
  const [program] = command.words
  const output = decode(await runCommand(command, clock, signal))
  if (output === undefined) throw commandFault(program, 'printed something that is not UTF-8 text')
  const text = withoutFinalNewline(output)
  if (text === '') throw commandFault(program, 'printed nothing')
  const problem = secretTextProblem(text)
  if (problem !== undefined) throw commandFault(program, `printed something that ${problem}`)
  return new Secret(text)
}

function withoutFinalNewline(text: string): string {
  return text.replace(/\r?\n$/, '')
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
