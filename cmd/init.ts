import { lstat, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '../src/files/durable.js'
import { hostName } from '../src/plan/host.js'
import { type Starter, starterPlan, starterTable, starterTablePlan } from '../src/plan/starter.js'
import { domainOf, providerOf } from '../src/providers/find.js'
import type { Provider } from '../src/providers/provider.js'
import { jsonLine } from '../src/reporters/json.js'
import { systemClock } from './clock.js'
import { exitCodes } from './exit-code.js'
import type { InitOptions } from './options.js'
import { Refusal } from './refusal.js'
import type { Streams } from './streams.js'

const tableName = 'users.csv'

/** `popferry init`: writes a plan to start from, and a table where the accounts are to come from one. Never overwrites. */
export async function init(file: string, options: InitOptions, { stdout }: Streams): Promise<number> {
  const starter = options.email === undefined ? example : starterFor(options.email)
  const table = join(dirname(file), tableName)
  const files = options.csv
    ? [
        { path: file, text: starterTablePlan(starter, tableName) },
        { path: table, text: starterTable(starter) },
      ]
    : [{ path: file, text: starterPlan(starter) }]
  await writeNew(files)
  const paths = files.map(({ path }) => path)
  if (options.json) stdout.write(jsonLine('init.finished', { exitCode: exitCodes.done, files: paths }, systemClock))
  else if (!options.quiet) stdout.write(nextSteps(paths, file, starter))
  return exitCodes.done
}

const example: Starter = {
  account: 'alice',
  user: 'alice@old.example',
  server: 'host: pop.old.example',
  notes: ['The server, or `provider: gmail` and the like instead of it: `popferry providers` lists them.'],
  oauth2: false,
}

/** From what is known of the provider of an address; its server is a guess where nothing is. */
function starterFor(email: string): Starter {
  const local = email.slice(0, Math.max(0, email.lastIndexOf('@')))
  const domain = hostName(domainOf(email))
  if (local === '' || /[\s\p{C}]/u.test(local) || 'problem' in domain) {
    throw new Refusal(['--email: expected an address such as alice@old.example'])
  }
  const provider = providerOf(`@${domain.name}`)
  if (provider?.imapOnly) {
    throw new Refusal([`${provider.name} has no POP3, only IMAP: popferry cannot copy from it; nothing was written`])
  }
  const named = provider?.pop3?.host !== undefined
  return {
    account: local.replace(/[^\p{L}\p{N}_.+-]/gu, '-').replace(/^\.+/, '') || 'me',
    user: provider?.user === 'local part' ? local : email,
    server: named ? `provider: ${provider.id}` : `host: pop.${domain.name}`,
    notes: named ? known(provider) : [guess, ...(provider?.hosts === undefined ? [] : [provider.hosts])],
    oauth2: provider?.oauth2Only ?? false,
  }
}

const guess = 'This host is a guess: ask whoever serves the mail of the domain.'

function known({ name, accepts, switchOn, afterFetch, note, source, checked }: Provider): readonly string[] {
  const facts = [accepts, switchOn, note, afterFetch].filter((fact) => fact !== undefined)
  return [
    `${name}, as of ${checked}: ${source}`,
    ...facts.map((fact) => `${fact.slice(0, 1).toUpperCase()}${fact.slice(1)}.`),
  ]
}

interface NewFile {
  readonly path: string
  readonly text: string
}

/** All of them or none; nobody else may read them, as they will hold secrets. */
async function writeNew(files: readonly NewFile[]): Promise<void> {
  for (const { path } of files) await requireFree(path)
  const written: string[] = []
  try {
    for (const { path, text } of files) {
      await writeFile(path, text, { flag: 'wx', mode: 0o600 })
      written.push(path)
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true })
    throw new Refusal([writeProblem(files[written.length]?.path ?? '', errorCode(error))])
  }
}

async function requireFree(path: string): Promise<void> {
  try {
    await lstat(path)
  } catch (error) {
    // Whatever else is wrong, writing will say.
    if (errorCode(error) === 'ENOENT') return
    throw new Refusal([writeProblem(path, errorCode(error))])
  }
  throw new Refusal([writeProblem(path, 'EEXIST')])
}

function writeProblem(path: string, code: string): string {
  if (code === 'EEXIST') return `${path} is there already and stays as it is: name another file, or move it away`
  if (code === 'ENOENT') return `${path}: there is no such folder`
  return `${path} cannot be written (${code})`
}

function nextSteps(paths: readonly string[], plan: string, { server }: Starter): string {
  const argument = basename(plan) === 'migrate.yaml' && dirname(plan) === '.' ? '' : ` ${plan}`
  const check = server.startsWith('provider:') ? '' : '; check its `host`'
  return `Wrote ${paths.join(' and ')}${check}. Then: popferry run --dry-run${argument}\n`
}
