import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { expect, it } from 'vitest'
import { Random } from '../../src/sample/random.js'
import { memoryMessage } from '../../src/sample/message.js'
import { stall } from '../support/fake-actions.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import {
  readMaildir,
  readMboxrd,
  runPopferry,
  type Running,
  startPopferry,
  type TempFolder,
  tempFolder,
} from '../support/rig.js'
import { messagesOf } from '../support/zip.js'
import { thorough } from './scene.js'
import { compare, count } from './tally.js'

const seed = Number(process.env['POPFERRY_SEED'] ?? Date.now() % 1_000_000)
const users = ['alice', 'bob'] as const
const kinds = ['maildir', 'mbox', 'eml-zip'] as const

/** Twins among them. */
const textsOf = (user: string, many: number): readonly string[] =>
  Array.from({ length: many }, (_, index) => {
    return `Subject: ${user} ${index % 35}\r\n\r\n${`From ${user} ${'x'.repeat(70)}\r\n`.repeat(1 + ((index * 7) % 60))}`
  })

async function start(many: number): Promise<FakePop3Server> {
  const boxes = users.map((user) => {
    const messages = textsOf(user, many).map((text, index) => memoryMessage(`${user}${index}`, Buffer.from(text)))
    return [user, { password: 'secret', messages }] as const
  })
  return FakePop3Server.start({ users: Object.fromEntries(boxes) })
}

/** Each user has a plan with a state of its own, and all targets are the same. */
async function writePlans(folder: TempFolder, server: FakePop3Server, more: object = {}): Promise<void> {
  for (const name of users) {
    const targets = kinds.map((type) => ({ type, path: type === 'eml-zip' ? 'zips/mail.zip' : type }))
    const accounts = [
      { name, source: server.source(name), targets: [...targets, { type: 'maildir', name: 'own', path: name }] },
    ]
    const plan = { version: 1, state: `${name}.state`, accounts, ...more }
    const text = stringify(plan, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
    await writeFile(folder.at(`${name}.yaml`), text, { mode: 0o600 })
  }
}

async function stored(folder: TempFolder): Promise<readonly (readonly string[])[]> {
  const crlf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1').replaceAll(/\r?\n/g, '\r\n')
  const boxes = [
    await readMaildir(folder.at('maildir')),
    await readMboxrd(folder.at('mbox')),
    await messagesOf(folder.at('zips', 'mail.zip')),
  ]
  return boxes.map((box) => box.map(({ bytes }) => crlf(bytes)))
}

it('PRC-03 two plans at one mbox, Maildir and archive: exit 4 names who holds each, and the rest is served', async () => {
  await using server = await start(3)
  await using folder = await tempFolder()
  await writePlans(folder, server)
  server.hooks = { RETR: ({ uidl }) => (uidl === 'alice2' ? stall : undefined) }
  await using first = startPopferry(['run', 'alice.yaml', '--quiet'], { cwd: folder.path })
  await server.seen('RETR')
  const second = await runPopferry(['run', 'bob.yaml', '--json'], { cwd: folder.path })
  expect(second.code).toBe(4)
  const held = second.events.filter(({ type }) => type === 'target.stopped')
  const names = held.map(({ target, code }) => `${String(target)} ${String(code)}`)
  expect(names.toSorted()).toEqual(kinds.map((kind) => `${kind} held`).toSorted())
  for (const { error } of held) expect(error).toMatch(new RegExp(`^process ${first.pid} on \\S+ holds the `))
  expect(held).toHaveLength(3)
  expect(await readMaildir(folder.at('bob'))).toHaveLength(3)
  // Whoever holds them is killed: nobody has to remove its locks.
  first.kill('SIGKILL')
  await first.finished
  server.hooks = {}
  for (const plan of ['bob.yaml', 'alice.yaml']) {
    expect(await runPopferry(['run', plan, '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
  }
  const sent = users.flatMap((user) => textsOf(user, 3))
  for (const found of await stored(folder)) expect(compare(found, sent)).toMatchObject({ lost: 0, doubled: 0 })
})

it(
  `PRC-03 two plans at the same targets, both killed at random instants, seed ${seed}: each message of both once`,
  { timeout: 3_600_000 },
  async (context) => {
    const random = new Random(seed)
    const many = 40
    for (let round = 0; round < (thorough ? 20 : 1); round++) {
      await using server = await start(many)
      await using folder = await tempFolder()
      await mkdir(folder.at('zips'))
      // So slow that they meet.
      await writePlans(folder, server, { limits: { bandwidth: '100KB' } })
      for (let again = 0; again < (thorough ? 8 : 3); again++) {
        await using both = startBoth(folder)
        const delays = both.runs.map(async (run) => {
          await new Promise((resolve) => setTimeout(resolve, 300 + random.below(1500)))
          run.kill('SIGKILL')
          return run.finished
        })
        for (const { signal } of await Promise.all(delays)) if (signal === 'SIGKILL') count(context, { kills: 1 })
      }
      for (const user of users) {
        const last = await runPopferry(['run', `${user}.yaml`, '--quiet'], { cwd: folder.path })
        expect(last, `seed ${seed}, round ${round}`).toMatchObject({ code: 0, stderr: '' })
      }
      const sent = users.flatMap((user) => textsOf(user, many))
      for (const found of await stored(folder)) {
        const checked = compare(found, sent)
        count(context, checked)
        expect(checked, `seed ${seed}, round ${round}`).toMatchObject({ lost: 0, doubled: 0 })
      }
      expect((await readdir(folder.at('maildir', 'tmp'))).length).toBe(0)
      const names = [
        ...(await readdir(folder.path)),
        ...(await readdir(folder.at('zips'))),
        ...(await readdir(folder.at('maildir'))),
      ]
      expect(names.filter((name) => /lock|draft/.test(name))).toEqual([])
    }
  },
)

function startBoth(folder: TempFolder): AsyncDisposable & { readonly runs: readonly Running[] } {
  const runs = users.map((user) => startPopferry(['run', `${user}.yaml`, '--quiet'], { cwd: folder.path }))
  return {
    runs,
    [Symbol.asyncDispose]: async () => {
      for (const run of runs) await run[Symbol.asyncDispose]()
    },
  }
}
