import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stall } from '../support/fake-actions.js'
import { FakeImapServer } from '../support/fake-imap-server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { type Finished, runPopferry, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'

/** One for each way in which a plan has a secret, and one for the mailbox of a target. */
const canaries = {
  text: 'Kanarie-text "9%/+ö~',
  env: 'Kanarie-env "9%/+ö~',
  file: 'Kanarie-file "9%/+ö~',
  command: 'Kanarie-command "9%/+ö~',
  column: 'Kanarie-column 9%/+ö~',
  target: 'Kanarie-target "9%/+ö~',
} as const
const sources = ['text', 'env', 'file', 'command', 'column'] as const

/** Every form in which they could leak, a user's SASL PLAIN message included. */
const forms = Object.entries(canaries).flatMap(([user, secret]) => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  Buffer.from(secret).toString('hex'),
  ...[secret, `\0${user}\0${secret}`, `\0alice\0${secret}`].map((text) =>
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ),
])

function leaks(text: string): readonly string[] {
  return forms.filter((form) => text.includes(form))
}

/** Everything below a folder but what the admin wrote there. */
async function fileLeaks(folder: string, own: readonly string[]): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !own.includes(entry.name))
  expect(files.length).toBeGreaterThan(5)
  const bytes = await Promise.all(files.map(async ({ parentPath, name }) => readFile(join(parentPath, name))))
  return bytes.flatMap((content) => [...leaks(content.toString()), ...leaks(content.toString('latin1'))])
}

const own = ['migrate.yaml', 'users.csv', 'secret']
const env = { ENV_PW: canaries.env, OTHER: 'for-everybody' }

/** Five maildrops, each with a secret of another kind, and an IMAP target that refuses the sixth. */
async function writeEverything(folder: TempFolder, pop3: FakePop3Server, imap: FakeImapServer): Promise<void> {
  await writeFile(folder.at('secret'), `${canaries.file}\n`, { mode: 0o600 })
  await writeFile(folder.at('users.csv'), `name,pw\ncolumn,${canaries.column}\n`, { mode: 0o600 })
  const secrets = {
    text: canaries.text,
    env: { env: 'ENV_PW' },
    file: { file: 'secret' },
    command: { command: ['node', '-e', `process.stdout.write(${JSON.stringify(canaries.command)})`] },
  }
  const named = Object.entries(secrets).map(([name, password]) => ({
    name,
    source: { ...pop3.source(name), password },
  }))
  const targets = [
    { type: 'maildir', path: 'mail/{account}' },
    { type: 'imap', ...imap.target(), password: canaries.target },
  ]
  await writePlan(folder, {
    retry: { attempts: 1 },
    accountsFrom: { csv: 'users.csv' },
    defaults: { source: { ...pop3.source('{account}'), password: { column: 'pw' } }, targets },
    accounts: named,
  })
}

describe('SEC-01, SEC-04 whatever is asked, however loud', () => {
  it('no secret of a plan is in the output of any command, nor in a file that it writes', async () => {
    const users = Object.fromEntries(
      sources.map((name) => [name, { password: canaries[name], messages: ['Subject: a\r\n\r\n'] }]),
    )
    await using pop3 = await FakePop3Server.start({ users })
    await using imap = await FakeImapServer.start()
    await using folder = await tempFolder()
    await writeEverything(folder, pop3, imap)
    const run = async (...args: readonly string[]): Promise<Finished> => runPopferry(args, { cwd: folder.path, env })
    const loudness = [[], ['-q'], ['-v'], ['-vv'], ['--json'], ['--json', '-vv']]
    const commands = [
      ['check'],
      ['run', '--dry-run'],
      ['run', '--report', 'run.html'],
      ['status'],
      ['verify', '--source'],
      ['report', '--output', 'report.html'],
      ['report', '--output', 'report.json'],
      ['schedule', '--format', 'systemd'],
      ['schedule', '--format', 'windows'],
    ]
    for (const command of commands) {
      for (const loud of loudness) {
        const { code, stdout, stderr } = await run(...command, ...loud)
        expect({ command, loud, leaks: leaks(stdout + stderr) }).toEqual({ command, loud, leaks: [] })
        expect([0, 3]).toContain(code)
      }
    }
    // All five signed in, and the sixth was really sent.
    for (const name of sources) expect(await readdir(folder.at('mail', name, 'new'))).toHaveLength(1)
    expect(imap.lines.some((line) => /AUTHENTICATE|LOGIN/.test(line))).toBe(true)
    expect(await fileLeaks(folder.path, own)).toEqual([])
  }, 300_000)
})

describe('SEC-03, SEC-06 what others get to see of the process', () => {
  it('a child has neither the other secrets in its environment, nor can it read them from our arguments', async () => {
    const users = { env: { password: canaries.env, messages: [] }, told: { password: 'x', messages: [] } }
    await using pop3 = await FakePop3Server.start({ users })
    await using folder = await tempFolder()
    const dump = 'env > child-env; cat /proc/$PPID/cmdline > parent-argv; echo x'
    const secrets = { env: { env: 'ENV_PW' }, told: { command: ['sh', '-c', dump] } }
    await writePlan(folder, {
      accounts: Object.entries(secrets).map(([name, password]) => ({
        name,
        source: { ...pop3.source(name), password },
        targets: [{ type: 'maildir', path: 'mail/{account}' }],
      })),
    })
    expect(await runPopferry(['run', '-vv'], { cwd: folder.path, env })).toMatchObject({ code: 0 })
    const seen = await readFile(folder.at('child-env'), 'utf8')
    expect(seen).toContain('OTHER=for-everybody')
    expect(leaks(seen + (await readFile(folder.at('parent-argv'), 'utf8')))).toEqual([])
    expect(seen).not.toContain('ENV_PW')
  })

  it('a diagnostic report of Node that somebody has switched on has none, though it has the environment', async () => {
    let retr: () => void = () => undefined
    const fetching = new Promise<void>((resolve) => (retr = resolve))
    const users = { env: { password: canaries.env, messages: ['Subject: a\r\n\r\n'] } }
    await using pop3 = await FakePop3Server.start({
      users,
      hooks: {
        RETR: () => {
          retr()
          return stall
        },
      },
    })
    await using folder = await tempFolder()
    await writePlan(folder, {
      accounts: [
        {
          name: 'env',
          source: { ...pop3.source('env'), password: { env: 'ENV_PW' } },
          targets: [{ type: 'maildir', path: 'mail' }],
        },
      ],
    })
    const nodeArguments = ['--report-on-signal', '--report-signal=SIGUSR2', '--report-filename=report.json']
    await using running = startPopferry(['run'], { cwd: folder.path, env, nodeArguments })
    await fetching
    running.kill('SIGUSR2')
    const report = await written(folder.at('report.json'))
    running.kill('SIGKILL')
    expect(report).toContain('for-everybody')
    expect(leaks(report)).toEqual([])
  })
})

/** A file's text, once it is a whole JSON document. */
async function written(path: string): Promise<string> {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text.trimEnd().endsWith('}')) return text
    await new Promise((resolve) => setImmediate(resolve))
  }
}
