import { rm, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { send, type Action } from '../support/fake-actions.js'
import { account, all, openScene, type SceneOptions, signIns, snapshot, storedSubjects } from './scene.js'

const say = (text: string) => (): Action => send(`${text}\r\n`)

describe.concurrent('a server that fails: the exit code, and words that say who, where, why and what to do', () => {
  interface Row {
    readonly name: string
    readonly options: SceneOptions
    readonly code: number
    readonly words: RegExp
    /** How many of the commands sign in. */
    readonly signIns: number
  }

  it.each<Row>([
    {
      name: 'unreachable',
      options: { source: { port: 1 } },
      code: 75,
      words: /refused \(127\.0\.0\.1:1, connect\) — nothing listens .*: check host, port and firewall/,
      signIns: 0,
    },
    {
      name: 'CON-02 busy',
      options: { hooks: { greeting: say('-ERR [SYS/TEMP] too many connections') } },
      code: 75,
      words: /\(\S+:\d+, greeting\): "-ERR \[SYS\/TEMP\] too many connections" — .*run again later/,
      signIns: 0,
    },
    {
      name: 'AUT-01 wrong password',
      options: { hooks: { AUTH: say('-ERR [AUTH] no') } },
      code: 3,
      words: /user or password \(\S+, sign-in\): "-ERR \[AUTH\] no" — check user and password/,
      signIns: 1,
    },
    {
      name: 'locked',
      options: { hooks: { AUTH: say('-ERR [IN-USE] locked') } },
      code: 75,
      words: /sign-in\): "-ERR \[IN-USE\] locked" — another client has the maildrop open/,
      signIns: 2,
    },
    {
      name: 'CON-04 not POP3',
      options: { hooks: { greeting: say('* OK IMAP4rev1') } },
      code: 3,
      words: /IMAP.* — check `port` and `tls`/,
      signIns: 0,
    },
    {
      name: 'TLS-01 no STLS',
      options: { source: { tls: 'starttls' } },
      code: 3,
      words: /STLS.* — no password was sent/,
      signIns: 0,
    },
    {
      name: 'CON-04 plain where TLS is expected',
      options: { source: { tls: 'implicit' } },
      code: 3,
      words: /does not speak TLS .* — POP3 with `tls: implicit` is usually on port 995/,
      signIns: 0,
    },
  ])('$name', async ({ options, code, words, signIns: expected }) => {
    await using scene = await openScene(options)
    const run = await scene.run(['run'])
    expect(run.code).toBe(code)
    expect(run.stdout).toMatch(/^1 of 1 account could not be finished:\n {2}alice\n {4}/)
    expect(run.stdout).toMatch(words)
    expect(run.stderr).toMatch(/^alice: .* — /m)
    expect(scene.server.lines.filter((line) => signIns.test(line))).toHaveLength(expected)
  })

  it('PRC-11 one of two accounts is unreachable: 75, and the other is served', async () => {
    await using scene = await openScene({
      plan: (server) => ({
        accounts: [
          account('gone', { ...server.source(), host: 'localhost', port: 1 }),
          account('here', server.source()),
        ],
        retry: { attempts: 1 },
      }),
    })
    const { code, stdout } = await scene.run(['run'])
    expect(code).toBe(75)
    expect(stdout).toMatch(/^1 of 2 accounts could not be finished; 3 messages are safe: 3 copied:\n {2}gone\n/)
    expect(stdout).not.toContain('here')
  })

  it('--quiet tells failures all the same', async () => {
    await using scene = await openScene({ hooks: { AUTH: say('-ERR no') } })
    const { code, stdout, stderr } = await scene.run(['run', '-q'])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^alice: the server refuses user or password .*\n$/)
  })

  it('a refused message is named, the others are copied, and it is asked for again', async () => {
    await using scene = await openScene({
      hooks: { RETR: ({ uidl }) => (uidl === 'u2' ? send('-ERR cannot open\r\n') : undefined) },
    })
    const { code, stdout } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      '1 message of 1 account is missing; 2 messages are safe: 2 copied:',
      '  alice: 1 message missing',
    ])
    expect(stdout).toMatch(/message "u2": .*RETR 2\): "-ERR cannot open" — the next run asks again/)
    expect((await scene.run(['status'])).stdout).toMatch(/alice +maildir +2 +\d+ B +1 .* incomplete\n/)
    scene.server.hooks = {}
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(await storedSubjects(scene)).toEqual(all)
  })
})

describe.concurrent('a target that fails: exit 3, and the other target is served', () => {
  it('FS-08 target-gone, where a folder with receipts has vanished', async () => {
    await using scene = await openScene()
    await scene.run(['run'])
    await rm(scene.folder.at('mail', 'alice'), { recursive: true })
    const { code, stdout } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout).toMatch(/target maildir: the Maildir \S+\/mail\/alice is not there any more — is the disk mounted\?/)
    expect(stdout).not.toContain('target mbox')
    const { events } = await scene.run(['run', '--json'])
    const stopped = { type: 'target.stopped', account: 'alice', target: 'maildir', code: 'target-gone' }
    expect(events).toContainEqual(expect.objectContaining(stopped))
    expect(Object.keys(await snapshot(scene.folder.at('mail')))).toEqual(['alice.mbox'])
  })

  it('a place that cannot be written', async () => {
    // Refused to everybody, root included.
    const targets = [
      { type: 'maildir', path: '/sys/popferry' },
      { type: 'mbox', path: 'a.mbox' },
    ]
    await using scene = await openScene({
      plan: (server) => ({ accounts: [{ name: 'a', source: server.source(), targets }] }),
    })
    const { code, stdout, stderr } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stderr).toMatch(
      /^a, target maildir: cannot use the Maildir \/sys\/popferry.* — check owner and permissions of the path$/m,
    )
    expect(stdout).toContain('target maildir: cannot use the Maildir /sys/popferry')
    const { events } = await scene.run(['status', '--json'])
    expect(events[0]?.['targets']).toMatchObject([
      { target: 'maildir', messages: 0 },
      { target: 'mbox', messages: 3 },
    ])
  })

  it('a file where the Maildir should be', async () => {
    await using scene = await openScene()
    await writeFile(scene.folder.at('mail'), 'mine')
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^alice, target maildir: .*\/mail.* — \w+/m)
    expect(stderr).toMatch(/^alice, target mbox: .*\/mail.* — \w+/m)
  })
})
