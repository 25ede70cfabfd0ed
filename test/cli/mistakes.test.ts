import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { pages } from '../support/documents.js'
import { canMount, mountTmpfs } from '../support/machine.js'
import { openScene, type Scene, type SceneOptions, threeMessages } from './scene.js'

/** The mistakes of every day: what an admin reads once must lead to the right action, and stand in the guide to errors. */
interface Mistake {
  readonly name: string
  readonly options: SceneOptions
  readonly code: 3 | 75
  /** What happened, as troubleshooting.md has it. */
  readonly happened: string
  readonly advice: string
}

const mistakes: readonly Mistake[] = [
  {
    name: 'a wrong password',
    options: { source: { password: 'qwertz-not-it' } },
    code: 3,
    happened: 'the server refuses user or password',
    advice: 'check user and password; POP3 may need an app password',
  },
  {
    name: 'a port on which nothing listens',
    options: { source: { port: 1 } },
    code: 75,
    happened: 'the connection was refused',
    advice:
      'nothing listens on this port, or a firewall refuses: check host, port and firewall; the next run tries again',
  },
  {
    name: 'the port of the other kind of TLS',
    options: { source: { tls: 'implicit' } },
    code: 3,
    happened: 'the server does not speak TLS from the first byte on this port',
    advice:
      'POP3 with `tls: implicit` is usually on port 995; a port that begins in plain text, usually 110, wants `tls: starttls`',
  },
  {
    name: 'an expired certificate',
    options: { tls: 'implicit', certificate: 'expired' },
    code: 3,
    happened: 'the certificate expired on 2020-02-01, and this machine’s clock says ',
    advice: 'no password was sent; check the clock, or have the server’s certificate renewed; if the server’s admin ',
  },
]

/** `run` says it on stderr as it happens and in the summary, `check` in its table: each time in one line, with the advice. */
async function expectLines(scene: Scene, { code, happened, advice }: Omit<Mistake, 'name' | 'options'>): Promise<void> {
  const check = await scene.run(['check'])
  expect(check.code).toBe(code)
  const [verdict, ...rows] = check.stdout.split('\n')
  expect(verdict).toMatch(/^Not ready: 1 of 3 checks \(1 source and 2 targets\) failed/)
  expect(rows.filter((row) => row.includes('FAILED'))).toEqual([expect.stringContaining(happened)])
  const run = await scene.run(['run'])
  expect(run.code).toBe(code)
  for (const text of [check.stdout, run.stdout, run.stderr]) {
    const line = text.split('\n').find((line) => line.includes(happened) && line.includes(' — '))
    expect(line?.split(' — ')[1]?.startsWith(advice), `${String(line)}\n${advice}`).toBe(true)
  }
}

describe.concurrent('the mistakes of every day lead in one reading to the right action', () => {
  it.each(mistakes)('$name', async ({ options, ...expected }) => {
    await using scene = await openScene({ ...options, plan: () => ({ retry: { attempts: 1 } }) })
    await expectLines(scene, expected)
  })

  it.skipIf(!canMount)(
    'a full disk: check says what will not fit, each target says so, and all else goes on (QUIRKS FS-15, skipped unless root may mount one)',
    async () => {
      const large = `Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(1000)}`
      await using scene = await openScene({ messages: [...threeMessages, large] })
      await mkdir(scene.folder.at('mail'))
      using disk = mountTmpfs(scene.folder.at('mail'), 'size=32k')
      expect(disk).toBeDefined()
      const check = await scene.run(['check'])
      expect(check.stdout).toMatch(/^alice +maildir .* free, less than the 70\.\d KB that are to be copied$/m)
      const run = await scene.run(['run'])
      expect(run.code).toBe(3)
      for (const [target, what] of [
        ['maildir', 'cannot store a message in'],
        ['mbox', 'cannot write'],
      ]) {
        const line = `target ${String(target)}: ${String(what)} /\\S+: no space \\(or no inodes\\) left on the disk — free some space`
        expect(run.stderr).toMatch(new RegExp(`^alice, ${line}`, 'm'))
        expect(run.stdout).toMatch(new RegExp(`^ +${line}`, 'm'))
      }
    },
  )

  it('typing errors in the plan: all of them, with line, column and the word that was meant; nobody was asked', async () => {
    await using scene = await openScene()
    const path = scene.folder.at('migrate.yaml')
    const plan = await readFile(path, 'utf8')
    const [password = '', targets = ''] = ['password:', 'targets:'].map((key) => positionOf(plan, key))
    await writeFile(path, plan.replace('password:', 'pasword:').replace('targets:', 'tragets:'))
    for (const command of ['check', 'run', 'status', 'verify']) {
      const { code, stdout, stderr } = await scene.run([command])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`migrate.yaml:${password}: unknown key; did you mean \`password\`?\n`)
      expect(stderr).toContain(`migrate.yaml:${targets}: unknown key; did you mean \`targets\`?\n`)
      expect(stderr).not.toContain('secret\n')
    }
    expect(scene.server.sessions).toEqual([])
  })

  it('stand in docs/troubleshooting.md by their words', () => {
    const page = pages.get('docs/troubleshooting.md') ?? ''
    for (const { happened } of mistakes) expect(page).toContain(happened.replace(/ on 2020.*/, ' on …'))
    expect(page).toContain('no space (or no inodes) left on the disk')
    expect(page).toContain('unknown key; did you mean')
  })
})

/** Line and column of a key. */
function positionOf(text: string, key: string): string {
  const before = text.slice(0, text.indexOf(key)).split('\n')
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`
}
