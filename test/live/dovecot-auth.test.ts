import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { letter } from '../support/mail.js'
import { type Finished, readMaildir, runPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'

const { missing } = (await findDovecot()) as { readonly missing?: string }
const mechanisms = ['plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256', 'xoauth2', 'oauthbearer']
const masterPassword = 'master-secr3t'

let dovecot: Dovecot
let authority: Authority
let folder: TempFolder

beforeAll(async () => {
  if (missing !== undefined) return
  authority = await Authority.start()
  const auth = { mechanisms, master: ['master', masterPassword], introspection: authority.url } as const
  dovecot = await Dovecot.start({ auth })
  await dovecot.fill('alice', [letter('one', 100), letter('two', 200)])
})

afterAll(async () => {
  if (missing !== undefined) return
  await dovecot[Symbol.asyncDispose]()
  await authority[Symbol.asyncDispose]()
})

beforeEach(async ({ skip }) => {
  skip(missing !== undefined, missing)
  authority.asked.length = 0
  folder = await tempFolder()
  return async () => {
    await folder[Symbol.asyncDispose]()
  }
})

describe('passwords', () => {
  it.each(['user', ...mechanisms.slice(0, 5)])('by %s', async (auth) => {
    const finished = await run({ auth })
    expect(finished.code).toBe(0)
    expect(await lastLogin()).toContain(`method=${auth === 'user' ? 'PLAIN' : auth.toUpperCase()},`)
    expect(await readMaildir(folder.at('mail'))).toHaveLength(2)
    expectNoTrace(finished, dovecot.password)
  })

  it('auto is the strongest, without TLS as well', async () => {
    for (const tls of ['implicit', 'starttls', 'none'] as const) {
      expect((await run(dovecot.source('alice', tls))).code).toBe(0)
      expect(await lastLogin()).toContain('method=SCRAM-SHA-256,')
    }
  })

  it('of a master, for somebody else', async () => {
    const finished = await run({ user: 'master', authzid: 'alice', password: masterPassword })
    expect(finished.code).toBe(0)
    expect(await lastLogin()).toMatch(/user=<alice>, method=PLAIN,/)
    expectNoTrace(finished, masterPassword)
  })

  it.each(['auto', 'user', ...mechanisms.slice(0, 5)])('a wrong one is refused once by %s', async (auth) => {
    const before = failed().length
    const finished = await run({ auth, password: 'wr0ng-one' })
    expect(finished.code).toBe(3)
    expect(finished.stderr).toMatch(/^a: the server refuses user or password .*"-ERR \[AUTH\] /m)
    const failures = await refusals(before + 1)
    expect(failures.slice(before)).toEqual([expect.stringContaining('auth failed, 1 attempts')])
    expectNoTrace(finished, 'wr0ng-one')
  })
})

describe('access tokens', () => {
  it.each(['xoauth2', 'oauthbearer'])('by %s', async (auth) => {
    const finished = await run({ auth, ...(await tokens('good-t0ken')) })
    expect(finished.code).toBe(0)
    expect(await readMaildir(folder.at('mail'))).toHaveLength(2)
    expect(await lastLogin()).toMatch(new RegExp(`user=<alice>, method=${auth.toUpperCase()},`))
    expect(authority.asked).toContain('good-t0ken')
    expectNoTrace(finished, 'good-t0ken')
  })

  it('auto takes the standard one, with a long token', async () => {
    const long = `good-${'0123456789'.repeat(250)}`
    const finished = await run(await tokens(long))
    expect(finished.code).toBe(0)
    expect(await lastLogin()).toContain('method=OAUTHBEARER,')
    expectNoTrace(finished, long)
  })

  it.each(['xoauth2', 'oauthbearer'])('one that is refused by %s is explained', async (auth) => {
    const finished = await run({ auth, ...(await tokens('bad-t0ken')) })
    expect(finished.code).toBe(3)
    expect(finished.stderr).toMatch(/^a: the server refuses the access token .*\(status (?:401|invalid_token)\b/m)
    expect(authority.asked.filter((token) => token === 'bad-t0ken')).toHaveLength(1)
    expectNoTrace(finished, 'bad-t0ken')
  })

  it('one that has expired is asked for once more', async () => {
    const finished = await run(await tokens('bad-old', 'good-new'))
    expect(finished.code).toBe(0)
    expect(authority.asked).toEqual(expect.arrayContaining(['bad-old', 'good-new']))
  })
})

describe('a server that keeps only digests of passwords', () => {
  it('lets auto go on to PLAIN, which costs no second password', async () => {
    const digest = createHash('sha256').update('secret').digest('base64')
    await using other = await Dovecot.start({ auth: { mechanisms, stored: `{SHA256}${digest}` } })
    expect((await run(other.source())).code).toBe(0)
    expect(await other.logged(/Login: user=<alice>/)).toEqual([expect.stringContaining('method=PLAIN,')])
    const named = await run({ ...other.source(), auth: 'scram-sha-1' })
    expect(named.code).toBe(3)
    expect(named.stderr).toContain('try `auth: plain`')
  })
})

/** Runs with this source for alice, at the highest verbosity. */
async function run(source: object): Promise<Finished> {
  const { password, ...common } = dovecot.source()
  const own = 'oauth2' in source ? source : { password, ...source }
  await writePlan(folder, {
    accounts: [{ name: 'a', source: { ...common, ...own }, targets: [{ type: 'maildir', path: 'mail' }] }],
  })
  return runPopferry(['run', '-vv'], { cwd: folder.path })
}

/** The setting for a command that prints these tokens, one at each call, the last one for ever. */
async function tokens(...all: readonly string[]): Promise<object> {
  await writeFile(folder.at('tokens'), all.join('\n'))
  const script = 'head -n 1 tokens; test "$(wc -l < tokens)" = 0 || sed -i 1d tokens'
  return { oauth2: { accessToken: { command: ['sh', '-c', script] } } }
}

async function lastLogin(): Promise<string> {
  await dovecot.logged(/Login: user=/)
  return dovecot.log.filter((line) => line.includes('Login: user=')).at(-1) ?? ''
}

function failed(): readonly string[] {
  return dovecot.log.filter((line) => line.includes('auth failed'))
}

async function refusals(count: number): Promise<readonly string[]> {
  return dovecot.logged(/auth failed/, count)
}

function expectNoTrace({ stdout, stderr }: Finished, secret: string): void {
  const bytes = Buffer.from(secret)
  expect(stderr).toMatch(/^a [<>] /m)
  for (const form of [secret, bytes.toString('base64').slice(0, -4), bytes.toString('hex')]) {
    expect(stdout + stderr).not.toContain(form)
  }
}

/** Says which tokens are good: those that begin with `good`, and all of them are alice's. */
class Authority implements AsyncDisposable {
  readonly asked: string[] = []
  readonly #server: Server

  static async start(): Promise<Authority> {
    const authority = new Authority()
    authority.#server.listen(0, '127.0.0.1')
    await once(authority.#server, 'listening')
    return authority
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const token = new URLSearchParams(body).get('token') ?? ''
        this.asked.push(token)
        response.setHeader('Content-Type', 'application/json')
        response.end(JSON.stringify({ active: token.startsWith('good'), username: 'alice' }))
      })
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/introspect`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}
