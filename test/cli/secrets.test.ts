import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { send } from '../support/fake-actions.js'
import type { FakeOptions } from '../support/fake-pop3-server.js'
import { account, openScene, type Scene } from './scene.js'

const canary = 'Kanarie "9%/+ö~'

/** Every form in which it could leak; a line of them is what a mischievous server says. */
const forms = [
  canary,
  Buffer.from(canary).toString('base64'),
  Buffer.from(`\0bob\0${canary}`).toString('base64'),
  Buffer.from(canary).toString('hex'),
  encodeURIComponent(canary),
]

function leaks(text: string): readonly string[] {
  return forms.filter((form) => text.includes(form))
}

async function fileLeaks(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  expect(files.length).toBeGreaterThan(0)
  const texts = await Promise.all(files.map(async (file) => readFile(file)))
  return texts.flatMap((bytes) => [...leaks(bytes.toString()), ...leaks(bytes.toString('latin1'))])
}

const bob = { users: { bob: { password: canary, messages: ['Subject: bob\r\n\r\n'] } } }

/** Bob's password comes from this place. */
async function bobScene(password: unknown, options: FakeOptions = {}, source: object = {}): Promise<Scene> {
  return openScene({
    ...bob,
    ...options,
    plan: (server) => ({ accounts: [account('bob', { ...server.source('bob'), password, ...source })] }),
  })
}

const env = { BOB: canary }
const timestamp = '<1.2@fake.example>'

describe.concurrent('the password is nowhere', () => {
  it.each<[string, object, FakeOptions, number]>([
    ['AUTH PLAIN', {}, {}, 0],
    ['USER and PASS', { auth: 'user' }, {}, 0],
    ['APOP', { auth: 'apop' }, { timestamp }, 0],
    [
      'SEC-02 a server that echoes it',
      {},
      { hooks: { AUTH: () => send(Buffer.from(`-ERR I heard ${forms.join(' ')}\r\n`)) } },
      3,
    ],
    [
      'SEC-02 a server that echoes it later',
      { auth: 'user' },
      { hooks: { RETR: () => send(Buffer.from(`-ERR I heard ${canary}\r\n`)) } },
      3,
    ],
  ])('SEC-01 %s: not in the output at -vv, nor in the state', async (_, source, options, code) => {
    await using scene = await bobScene({ env: 'BOB' }, options, source)
    // What a server says in a fault goes to programs as well.
    for (const args of code === 0
      ? [['run', '-vv']]
      : [
          ['run', '-vv'],
          ['run', '--json', '-vv'],
        ]) {
      const run = await scene.run(args, { env })
      expect(run.code).toBe(code)
      expect(leaks(run.stdout + run.stderr)).toEqual([])
    }
    expect(await fileLeaks(scene.folder.at('migrate.state'))).toEqual([])
  })

  it('SEC-03 no child sees it, and a command that fails does not print it', async () => {
    const dump = ['sh', '-c', 'env > children; echo "$OTHER"']
    const failing = ['sh', '-c', 'echo "$OTHER" >&2; exit 3']
    await using scene = await openScene({
      users: { ...bob.users, zoe: { password: 'x', messages: [] } },
      plan: (server) => ({
        accounts: [
          account('bob', { ...server.source('bob'), password: { env: 'BOB' } }),
          account('eve', { ...server.source(), password: { command: dump } }),
          account('zoe', { ...server.source('zoe'), password: { command: failing } }),
        ],
      }),
    })
    const run = await scene.run(['run', '-vv'], { env: { ...env, OTHER: 'secret' } })
    expect(run.code).toBe(3)
    const children = await readFile(scene.folder.at('children'), 'utf8')
    expect(children).toContain('OTHER=secret')
    expect(children).not.toContain('BOB=')
    expect(leaks(children)).toEqual([])
    expect(run.stderr).toMatch(/^zoe: .* — run the command by hand/m)
    expect(run.stdout + run.stderr).not.toContain('secret')
    expect(leaks(run.stdout + run.stderr)).toEqual([])
  })

  it('a file with a password is read, with one line end taken off', async () => {
    await using scene = await bobScene({ file: 'bob.secret' })
    await writeFile(scene.folder.at('bob.secret'), `${canary}\n`, { mode: 0o600 })
    const run = await scene.run(['run', '-vv'])
    expect(run.code).toBe(0)
    expect(leaks(run.stdout + run.stderr)).toEqual([])
  })
})
