import { chmod, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { account, openScene, snapshot } from './scene.js'

const canary = 'hunter2hunter2'
const mails = [{ type: 'maildir', path: 'a' }]
const source = { host: 'pop.example', user: 'a', password: canary }

describe.concurrent('a wrong plan: exit 2, nothing contacted, nothing written', () => {
  it.each(['run', 'status'])(
    '%s says everything at once, with line and column, and shows no secret',
    async (command) => {
      await using scene = await openScene()
      const plan = [
        'version: 1',
        'accounts:',
        '  - name: a',
        `    source: { host: pop.example, user: u, passwrod: '${canary}', port: ten }`,
        '    targets:',
        '      - { type: maildr, path: x }',
        '  - name: a',
        `    source: { host: pop.example, user: v, password: ${canary} # ${canary}`,
        '      }',
        '    targets: []',
      ]
      await writeFile(scene.folder.at('migrate.yaml'), plan.join('\n'))
      const before = await snapshot(scene.folder.path)
      const { code, stdout, stderr } = await scene.run([command])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      const places = stderr
        .trimEnd()
        .split('\n')
        .map((line) => /^migrate\.yaml:(\d+:\d+): \S/.exec(line)?.[1] ?? line)
      expect(places).toEqual(['4:13', '4:43', '4:77', '6:17', '7:11', '8:53', '10:14'])
      expect(stderr).toContain('did you mean `password`?')
      expect(stderr).toContain('did you mean `maildir`?')
      expect(stderr).not.toContain(canary)
      expect(await snapshot(scene.folder.path)).toEqual(before)
    },
  )

  it.each<[string, object, string]>([
    [
      'an unset variable',
      { accounts: [account('a', { ...source, password: { env: 'NOPE' } })] },
      'variable NOPE: there is none',
    ],
    [
      'a missing file',
      { accounts: [account('a', { ...source, password: { file: 'no' } })] },
      ': it cannot be read (ENOENT)',
    ],
    [
      'SEC-10 a prompt without a terminal',
      { accounts: [account('a', { ...source, password: { prompt: true } })] },
      'expected a terminal',
    ],
    [
      'TLS-12 plain text over a network',
      { accounts: [account('a', { ...source, tls: 'none' })] },
      '`allowPlaintext: true`',
    ],
    [
      'YML-10 two accounts at one mbox',
      {
        accounts: ['a', 'b'].map((name) => ({
          name,
          source: { ...source, user: name },
          targets: [{ type: 'mbox', path: 'all.mbox' }],
        })),
      },
      'target "mbox" of account "b" and target "mbox" of account "a" are one place (',
    ],
    [
      'two targets of one account at one place',
      { accounts: [{ name: 'a', source, targets: [...mails, ...mails] }] },
      'give each a path of its own',
    ],
  ])('%s', async (_, plan, words) => {
    await using scene = await openScene({ plan: () => plan })
    const before = await snapshot(scene.folder.path)
    const { code, stdout, stderr } = await scene.run(['run'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr.split('\n')).toHaveLength(2)
    expect(stderr).not.toContain(canary)
    expect(await snapshot(scene.folder.path)).toEqual(before)
  })

  it('secrets of accounts that were not asked for are not looked for, nor by status', async () => {
    await using scene = await openScene({
      plan: (server) => ({
        accounts: [account('a', server.source()), account('b', { ...source, password: { env: 'NOPE' } })],
      }),
    })
    expect(await scene.run(['run', '--account', 'a'])).toMatchObject({ code: 0 })
    expect(await scene.run(['status'])).toMatchObject({ code: 0 })
  })
})

describe.concurrent('warnings of a plan', () => {
  it('SEC-05 a password that others can read', async () => {
    await using scene = await openScene()
    await chmod(scene.folder.at('migrate.yaml'), 0o644)
    const { code, stderr } = await scene.run(['run', '--quiet'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^warning: .*migrate\.yaml holds a password and others may read it: chmod 600, .*\n$/)
    const { events } = await scene.run(['run', '--json'])
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'plan-readable' }))
  })

  it('TLS-12 plain text over a network, where it is allowed twice', async () => {
    await using scene = await openScene({ source: { host: '0.0.0.0', allowPlaintext: true } })
    const { code, stderr } = await scene.run(['run', '--quiet'])
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'warning: alice: password and mail travel unencrypted (tls: none)\n',
    })
  })
})

describe.concurrent('a plan that changed between runs (YML-11): exit 2, and what to write', () => {
  const changes: [string, (source: object) => object, string][] = [
    [
      'a renamed account',
      (source) => ({ accounts: [{ name: 'alicia', source, targets: [{ type: 'maildir', path: 'mail/alice' }] }] }),
      'write `previously: alice` under account "alicia"',
    ],
    [
      'a moved target',
      (source) => ({ accounts: [{ name: 'alice', source, targets: [{ type: 'maildir', path: 'moved' }] }] }),
      'write `previously: maildir` under the target',
    ],
    [
      'another maildrop under a known name',
      (source) => ({ accounts: [account('alice', { ...source, host: 'localhost', user: 'bob' })] }),
      'give the new maildrop a new account name',
    ],
  ]

  it.each(changes)('%s', async (_, change, words) => {
    const users = { bob: { password: 'x', messages: [] } }
    await using scene = await openScene({ users })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    const sessions = scene.server.sessions.length
    const before = await snapshot(scene.folder.at('mail'))
    await scene.plan(change(scene.server.source()))
    const { code, stdout, stderr } = await scene.run(['run'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(scene.server.sessions).toHaveLength(sessions)
    expect(await snapshot(scene.folder.at('mail'))).toEqual(before)
  })

  it('`previously` keeps what an account and its targets had', async () => {
    await using scene = await openScene()
    await scene.run(['run'])
    const targets = [
      { type: 'maildir', name: 'files', previously: 'maildir', path: 'mail/alice' },
      { type: 'mbox', path: 'mail/alice.mbox' },
    ]
    await scene.plan({ accounts: [{ name: 'alicia', previously: 'alice', source: scene.server.source(), targets }] })
    const { code, stdout } = await scene.run(['run'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'All 3 messages of 1 account are safe: nothing new.\n' })
    expect((await scene.run(['status'])).stdout).toMatch(/alicia +files .*\nalicia +mbox /)
  })
})
