import { readFile, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { blocks, pages } from '../support/documents.js'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { letter } from '../support/mail.js'
import { runPopferry, type TempFolder, tempFolder } from '../support/rig.js'
import { startInTerminal, hasTerminals } from '../support/terminal.js'

const dovecot = await findDovecot()

/** The plan, the table and the outputs that a guide shows. */
function guide(name: string): { plan: string; table: string; shown: (command: string) => string } {
  const page = pages.get(`docs/${name}.md`) ?? ''
  return {
    plan: blocks(page, 'yaml')[0] ?? '',
    table: blocks(page, 'csv')[0] ?? '',
    shown: (command) => comparable(blocks(page, `text ${command}`)[0] ?? ''),
  }
}

/** Numbers, times and the widths of columns are others each time; so is what stands for the reader's servers and paths. */
function comparable(text: string): string {
  return (
    text
      .replaceAll(/127\.0\.0\.1|(?:pop|imap|mail)\.(?:old|new)\.example/g, 'HOST')
      .replaceAll(/certificate of .*? from .*?(?=, \d)/g, 'certificate of HOST from AUTHORITY')
      .replaceAll(/\/\S+\/popferry-test-\w+/g, '/FOLDER')
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?/g, 'TIME')
      .replaceAll(/less than a minute|(?:up to|about) [\d to]+ (?:min|h)/g, 'A WHILE')
      .replaceAll(/\d[\d,.]*/g, 'N')
      // What a server offers, and how long that is.
      .replaceAll(/^ *offers .*\n/gm, '')
      .replaceAll(/ +/g, ' ')
      .replaceAll(/ $/gm, '')
  )
}

async function write(folder: TempFolder, plan: string, table = ''): Promise<void> {
  await writeFile(folder.at('migrate.yaml'), plan, { mode: 0o600 })
  if (table !== '') await writeFile(folder.at('users.csv'), table, { mode: 0o600 })
}

it('moving a company works as written, from a real server to a real server', async ({ skip }) => {
  if ('missing' in dovecot) skip(dovecot.missing)
  const names = ['alice', 'bob', 'carol']
  const users = names.flatMap((name) => [`${name}@old.example`, `${name}@new.example`])
  await using server = await Dovecot.start({ users: Object.fromEntries(users.map((user) => [user, 'maildir'])) })
  for (const [index, name] of names.entries()) {
    const letters = Array.from({ length: 40 * (index + 1) }, (_, n) => letter(`${name} ${n}`, 500 * n))
    await server.fill(`${name}@old.example`, letters)
  }
  await using folder = await tempFolder()
  const { plan, table, shown } = guide('company')
  const at = (port: number): string =>
    `host: ${server.host}, port: ${port}, tls: starttls, tlsOptions: { ca: '${Dovecot.ca}' }`
  const local = plan
    .replace('host: pop.old.example', at(server.ports.plain))
    .replace('host: imap.new.example', at(server.ports.imap))
  expect(local).not.toContain('.example')
  await write(folder, local, table.replaceAll(/(?:old|new)-secret-\d/g, server.password))
  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runPopferry([...args], { cwd: folder.path })
    expect({ args, code, stderr: stderr.replaceAll(/^\w+: .*\n/gm, '') }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  const outputs = {
    check: await run('check'),
    one: await run('run', '--account', 'alice'),
    run: await run('run'),
    verify: await run('verify', '--source'),
  }
  await run('report', '--output', 'move.html')
  expect(await readFile(folder.at('move.html'), 'utf8')).toContain('carol')
  for (const command of ['check', 'run', 'verify'] as const) expect(comparable(outputs[command])).toBe(shown(command))
}, 120_000)

it.skipIf(!hasTerminals)(
  'the archive of one person works as written, the password typed in (skipped without Python on Linux)',
  async () => {
    const messages = Array.from({ length: 12 }, (_, n) => letter(`letter ${n}`, 900 * n))
    await using server = await FakePop3Server.start({
      users: { 'you@old.example': { password: 'swordfish', messages } },
    })
    await using folder = await tempFolder()
    const { plan, shown } = guide('person')
    await write(folder, plan.replace('host: pop.old.example', `host: ${server.host}, port: ${server.port}, tls: none`))
    await using running = startInTerminal(
      ['run', '--no-progress', '--no-color'],
      { rows: 24, columns: 80 },
      { cwd: folder.path, input: 'swordfish\n' },
    )
    const { code, stdout } = await running.finished
    expect(code).toBe(0)
    expect(stdout).not.toContain('swordfish')
    expect(comparable(stdout.replaceAll('\r', ''))).toContain(shown('run'))
    expect(await runPopferry(['verify'], { cwd: folder.path })).toMatchObject({ code: 0 })
  },
)

it('the backup every night works as written', async () => {
  const messages = [letter('one'), letter('two')]
  const users = { 'alice@old.example': { password: 'a', messages }, 'bob@old.example': { password: 'b', messages } }
  await using server = await FakePop3Server.start({ users })
  await using folder = await tempFolder()
  const { plan, shown } = guide('nightly')
  await write(folder, plan.replace('host: pop.old.example', `host: ${server.host}, port: ${server.port}, tls: none`))
  const options = { cwd: folder.path, env: { ALICE_PW: 'a', BOB_PW: 'b' } }
  expect(await runPopferry(['check'], options)).toMatchObject({ code: 0, stderr: '' })
  expect(await runPopferry(['run'], options)).toMatchObject({ code: 0 })
  expect(await runPopferry(['run', '--quiet'], options)).toMatchObject({ code: 0, stdout: '', stderr: '' })
  const schedule = await runPopferry(['schedule', '--format', 'systemd', '--at', '02:30'], options)
  expect(schedule).toMatchObject({ code: 0, stderr: '' })
  expect(schedule.stdout).toMatch(
    /popferry-migrate\.service[\s\S]*# ALICE_PW=…\n# BOB_PW=…[\s\S]*systemctl enable --now popferry-migrate\.timer/,
  )
  expect(await runPopferry(['verify', '--source'], options)).toMatchObject({ code: 0 })
  const { stdout } = await runPopferry(['status'], options)
  expect(comparable(stdout)).toBe(shown('status'))
})
