import { describe, expect, it } from 'vitest'
import type { FakeImapOptions } from '../support/fake-imap-server.js'
import { type ImapScene, openImapScene } from './imap-scene.js'
import { threeMessages } from './scene.js'

/** Two accounts with the same mail into one folder. */
async function shared(imap: FakeImapOptions): Promise<ImapScene> {
  const messages = threeMessages
  const users = { bob: { password: 'secret', messages } }
  const scene = await openImapScene({ messages, users, imap })
  await scene.plan({
    timeouts: { settle: '300ms' },
    retry: { attempts: 1, minDelay: '1ms', maxDelay: '1ms' },
    accounts: ['alice', 'bob'].map((name) => {
      const source = { ...scene.server.source(), user: name }
      return { name, source, targets: [scene.imap.target({ folder: 'Both' })] }
    }),
  })
  return scene
}

const run = async (scene: ImapScene, name: string): Promise<number | null> => {
  const { code } = await scene.run(['run', '--quiet', '--account', name])
  return code
}
const twice = [...threeMessages, ...threeMessages].toSorted()

describe.each([
  ['UIDPLUS', undefined],
  ['no UIDPLUS', ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+']],
])('two accounts with the same mail in one IMAP folder, %s', { timeout: 120_000 }, (_, capabilities) => {
  const given = capabilities ? { capabilities } : {}

  it('are no strangers to each other: each has its own copies', async () => {
    await using scene = await shared(given)
    for (const name of ['alice', 'bob', 'alice', 'bob']) expect(await run(scene, name)).toBe(0)
    expect(scene.stored('Both')).toEqual(twice)
    expect((await scene.run(['verify', '--quiet'])).code).toBe(0)
  })

  it.each([
    ['before the server stored', { cut: true }],
    ['after it', { act: true, cut: true }],
  ])('do not claim what the other has stored since they were cut off %s', async (_, script) => {
    await using scene = await shared({ ...given, hooks: { APPEND: ({ count }) => (count === 1 ? script : undefined) } })
    expect(await run(scene, 'alice')).toBe(75)
    // What stands there now may be that of alice, and bob cannot know.
    expect(await run(scene, 'bob')).toBe(0)
    expect(await run(scene, 'alice')).toBe(0)
    expect(scene.stored('Both')).toEqual(twice)
    for (const name of ['alice', 'bob']) expect(await run(scene, name)).toBe(0)
    expect((await scene.run(['verify', '--quiet'])).code).toBe(0)
  })

  it('do not take the mail of the other for late copies of their own', async () => {
    await using scene = await shared({
      ...given,
      hooks: { APPEND: ({ count }) => (count === 1 ? { act: 'later', cut: true } : undefined) },
    })
    expect(await run(scene, 'alice')).toBe(75)
    for (const name of ['alice', 'bob', 'alice']) expect(await run(scene, name)).toBe(0)
    expect(scene.stored('Both')).toEqual(twice)
    scene.imap.release()
    // Which copies are late, the server says only with UIDPLUS; without it they are told of.
    expect(await run(scene, 'alice')).toBe(capabilities ? 3 : 0)
    if (!capabilities) expect(scene.stored('Both')).toEqual(twice)
    expect((await scene.run(['verify', '--json'])).events.at(-1)).toMatchObject({ exitCode: capabilities ? 3 : 0 })
  })
})
