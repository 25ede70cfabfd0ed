import { stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { account, all, openScene, snapshot, storedSubjects, threeMessages } from './scene.js'

describe.concurrent('run', () => {
  it('copies everything, then is quiet: one line, no RETR, no byte changed', async () => {
    await using scene = await openScene()
    const { server, folder } = scene
    const first = await scene.run(['run'])
    expect(first).toMatchObject({ code: 0, stderr: 'alice: 3 messages copied (85 B)\n' })
    expect(first.stdout).toMatch(/^All 3 messages of 1 account are safe: 3 copied \(85 B in \d+ s\)\.\n$/)
    expect(await storedSubjects(scene)).toEqual(all)
    const before = await snapshot(folder.at('mail'))
    const second = await scene.run(['run'])
    const nothingNew = 'All 3 messages of 1 account are safe: nothing new.\n'
    expect(second).toMatchObject({ code: 0, stdout: nothingNew, stderr: '' })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await snapshot(folder.at('mail'))).toEqual(before)
    // The first run looks whether the server shows more after a clean QUIT.
    expect(server.sessions.map(({ retrieved }) => retrieved.length)).toEqual([3, 0, 0, 0])
    expect(server.sessions.every(({ quit }) => quit)).toBe(true)
    expect(server.messages).toHaveLength(3)
  })

  it('SEC-04 keeps its state to itself', async () => {
    await using scene = await openScene()
    await scene.run(['run'])
    const modes = await Promise.all(['', 'ledger.db'].map((name) => stat(scene.folder.at('migrate.state', name))))
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '600'])
  })

  it('copies what arrived since', async () => {
    await using scene = await openScene({ messages: threeMessages.slice(0, 1) })
    await scene.run(['run'])
    scene.server.messages = threeMessages
    const { code, stdout, stderr } = await scene.run(['run'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'alice: 2 messages copied (58 B), 1 already there\n' })
    expect(stdout).toContain('2 copied, 1 was already there')
    expect(scene.server.retrs('u1')).toBe(1)
    expect(await storedSubjects(scene)).toEqual(all)
  })

  it('an empty maildrop is no news', async () => {
    await using scene = await openScene({ messages: [] })
    const { code, stdout, stderr } = await scene.run(['run'])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'No messages in 1 account: nothing to do.\n',
      stderr: '',
    })
  })

  it('-v tells more; -vv the protocol, with the password masked', async () => {
    await using scene = await openScene()
    const { stderr: verbose } = await scene.run(['run', '-v'])
    expect(verbose.split('\n').slice(0, 2)).toEqual([
      'alice: connecting to 127.0.0.1',
      'alice: 3 messages on the server (85 B), 3 to copy (85 B)',
    ])
    const { stderr: protocol } = await scene.run(['run', '-vv'])
    expect(protocol).toMatch(/^alice > AUTH PLAIN \*\*\*$/m)
    expect(protocol).toMatch(/^alice < \+OK 3 messages$/m)
    expect(protocol).toMatch(/^alice > QUIT$/m)
  })

  it('--state puts the state elsewhere', async () => {
    await using scene = await openScene()
    expect(await scene.run(['run', '--state', 'elsewhere'])).toMatchObject({ code: 0 })
    expect(Object.keys(await snapshot(scene.folder.path))).not.toContain('migrate.state')
    expect(Object.keys(await snapshot(scene.folder.at('elsewhere')))).toContain('ledger.db')
  })
})

describe.concurrent('--dry-run', () => {
  it.each([
    ['before the first run', false],
    ['with new messages', true],
  ])('YML-14 %s: lists what would be copied; no RETR, nothing written', async (_, ranBefore) => {
    await using scene = await openScene({ messages: threeMessages.slice(0, 1) })
    if (ranBefore) await scene.run(['run'])
    scene.server.messages = threeMessages
    const retrs = scene.server.lines.filter((line) => line.startsWith('RETR')).length
    const before = await snapshot(scene.folder.path)
    const { code, stdout, stderr } = await scene.run(['run', '--dry-run'])
    const wanted = ['alice: would copy "u1" (27 B)', 'alice: would copy "u2" (27 B)', 'alice: would copy "u3" (31 B)']
    const count = ranBefore ? 2 : 3
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trimEnd().split('\n')).toEqual([
      ...wanted.slice(-count),
      `Dry run: ${count} of 3 messages of 1 account would be copied; nothing was written.`,
    ])
    expect(await snapshot(scene.folder.path)).toEqual(before)
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(retrs)
    expect(scene.server.sessions.at(-1)).toMatchObject({ quit: true })
  })

  it('--json names each message', async () => {
    await using scene = await openScene()
    const { events } = await scene.run(['run', '--dry-run', '--json'])
    const wanted = events.filter(({ type }) => type === 'message.wanted')
    expect(wanted.map(({ account, uidl, size }) => [account, uidl, size])).toEqual([
      ['alice', 'u1', 27],
      ['alice', 'u2', 27],
      ['alice', 'u3', 31],
    ])
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', exitCode: 0, dryRun: true, listed: 3, pending: 3 })
  })
})

it('--limit copies at most so many, exits 0, and the next run goes on', async () => {
  await using scene = await openScene()
  const { code, stdout } = await scene.run(['run', '--limit', '1'])
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: '1 message is safe: 1 copied; 2 more are left for the next run.\n',
  })
  const { events } = await scene.run(['run', '--limit', '1', '--json'])
  expect(events.at(-1)).toMatchObject({ exitCode: 0, listed: 3, copied: 1, present: 1, pending: 1 })
  expect(await scene.run(['run', '--limit', '0'])).toMatchObject({ code: 0 })
  expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(2)
  expect(await scene.run(['run'])).toMatchObject({ code: 0 })
  expect(await storedSubjects(scene)).toEqual(all)
})

describe.concurrent('--account', () => {
  const names = ['ann', 'anton', 'bea']
  const users = Object.fromEntries(
    names.map((name) => [name, { password: 'x', messages: [`Subject: ${name}\r\n\r\n`] }]),
  )

  it.each([
    [['an*'], ['ann', 'anton']],
    [
      ['*n', 'bea'],
      ['anton', 'ann', 'bea'],
    ],
  ])('%j', async (patterns, expected) => {
    await using scene = await openScene({
      users,
      plan: (server) => ({ accounts: names.map((name) => account(name, server.source(name))) }),
    })
    const { code, events } = await scene.run(['run', '--json', ...patterns.flatMap((name) => ['--account', name])])
    expect(code).toBe(0)
    const finished = events.filter(({ type }) => type === 'account.finished').map(({ account }) => account as string)
    expect(finished.toSorted()).toEqual(expected.toSorted())
    expect(new Set(scene.server.sessions.map(({ user }) => user))).toEqual(new Set(expected))
  })
})
