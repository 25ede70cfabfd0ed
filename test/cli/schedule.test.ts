import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Action, honest, send } from '../support/fake-actions.js'
import { unpackedPackages } from '../support/debian-packages.js'
import { inherited } from '../support/dovecot-program.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { type Finished, readMaildir, runPopferry, type TempFolder, tempFolder } from '../support/rig.js'
import { threeMessages } from './scene.js'

const run = promisify(execFile)
const has = async (program: string): Promise<boolean> =>
  run('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  )
const systemdAnalyze = await has('systemd-analyze')
const python = await has('python3')

/** A folder whose name has all that shells, cron and systemd treat as something else, with a plan in it. */
async function oddFolder(folder: TempFolder, source: object): Promise<string> {
  const path = folder.at(`a %i $HOME 'b' "c" \\d & <e>`)
  await mkdir(path)
  const plan = {
    version: 1,
    retry: { attempts: 1 },
    accounts: [{ name: 'alice', source, targets: [{ type: 'maildir', path: 'mail' }] }],
  }
  await writeFile(join(path, 'my plan.yaml'), JSON.stringify(plan), { mode: 0o600 })
  return path
}

async function schedule(cwd: string, ...args: readonly string[]): Promise<Finished> {
  return runPopferry(['schedule', 'my plan.yaml', ...args], { cwd })
}

const source = { host: 'pop.example', user: 'u', password: { env: 'ALICE_PW' } }

interface ScheduleFile {
  readonly name: string
  readonly text: string
}

/** What it prints for a program. */
async function files(cwd: string, ...args: readonly string[]): Promise<readonly ScheduleFile[]> {
  const { code, events } = await schedule(cwd, '--json', ...args)
  expect(code).toBe(0)
  return events[0]?.['files'] as readonly ScheduleFile[]
}

describe.concurrent('popferry schedule', () => {
  it.runIf(systemdAnalyze)('systemd takes the service and the timer without a word', async () => {
    await using folder = await tempFolder()
    const path = await oddFolder(folder, source)
    const units = await files(path, '--format', 'systemd', '--account', 'a*', '--at', '23:05')
    const names = units.map(({ name }) => name.replace('/etc/systemd/system/', ''))
    expect(names).toEqual(['popferry-my-plan.service', 'popferry-my-plan.timer'])
    for (const [index, { text }] of units.entries()) await writeFile(folder.at(names[index] ?? ''), text)
    const { stdout, stderr } = await run('systemd-analyze', ['verify', ...names.map((name) => `./${name}`)], {
      cwd: folder.path,
    })
    const ours = (stdout + stderr).split('\n').filter((line) => line.includes('popferry'))
    expect(ours).toEqual([])
    expect(units[0]?.text).toContain('"--account" "a*"')
    expect(units[0]?.text).toMatch(/^RestartPreventExitStatus=1 2 3 4 130 143$/m)
    expect(units[0]?.text).toMatch(/^EnvironmentFile=\/.*a %%i .*\/popferry-my-plan\.env$/m)
    expect(units[1]?.text).toContain('OnCalendar=*-*-* 23:05:00\n')
  })

  it('the cron line, read as cron and a shell do, copies; and tries again after exit code 75', async () => {
    await using folder = await tempFolder()
    const users = { u: { password: 'x', messages: threeMessages } }
    let refusals = 1
    const greeting = (): Action => (refusals-- > 0 ? send('-ERR [SYS/TEMP] too many connections\r\n') : honest)
    await using server = await FakePop3Server.start({ users, hooks: { greeting } })
    const path = await oddFolder(folder, { ...server.source(), user: 'u', password: { env: 'ALICE_PW' } })
    await writeFile(join(path, 'popferry-my-plan.env'), "ALICE_PW='x'\n")
    const [crontab] = await files(path, '--format', 'cron', '--at', '4:05')
    const line = crontab?.text.split('\n').find((line) => !line.startsWith('#')) ?? ''
    expect(line).toMatch(/^5 4 \* \* \* /)
    // An unescaped % would end the command.
    expect(line).not.toMatch(/(?<!\\)%/)
    const command = line
      .replace(/^5 4 \* \* \* /, '')
      .replaceAll('\\%', '%')
      .replace('sleep 900', 'sleep 0')
    // Cron sends mail of what is printed; the first attempt says why it failed.
    await run('/bin/sh', ['-c', command], { cwd: '/', env: { PATH: process.env['PATH'] } })
    expect(await readMaildir(join(path, 'mail'))).toHaveLength(3)
    expect(server.sessions.length).toBeGreaterThan(1)
  })

  it.runIf(python)('the Windows task is XML that names program and arguments', async () => {
    await using folder = await tempFolder()
    const path = folder.at('a & b <c>')
    await mkdir(path)
    await writeFile(join(path, 'my plan.yaml'), JSON.stringify({ version: 1, accounts: [{ source, targets }] }))
    const { code, stdout } = await schedule(path, '--format', 'windows')
    expect(code).toBe(0)
    const script =
      'import sys, json, xml.etree.ElementTree as E\n' +
      "print(json.dumps([[e.tag.split('}')[1], e.text.strip()] for e in E.fromstring(sys.argv[1]).iter()]))"
    const { stdout: read } = await run('python3', ['-c', script, stdout])
    const elements = JSON.parse(read) as readonly (readonly [string, string])[]
    expect(elements.map(([tag]) => tag).join(' ')).toMatch(
      // The order that the task schema prescribes for a trigger (triggerBaseType, calendarTriggerType).
      /StartBoundary RandomDelay ScheduleByDay DaysInterval/,
    )
    const byTag = new Map(elements)
    expect(byTag.get('Command')).toBe(process.execPath)
    expect(byTag.get('Arguments')).toMatch(/^"\/.*popferry\.cjs" "run" "--quiet" "\/.*\/a & b <c>\/my plan\.yaml"$/)
    expect(byTag.get('WorkingDirectory')).toBe(path)
    expect(byTag.get('MultipleInstancesPolicy')).toBe('IgnoreNew')
  })

  it('a Windows task that its schema allows', async ({ skip }) => {
    const xmllint = await unpackedPackages({ name: 'libxml2-utils', packages: ['libxml2-utils'] })
    skip('missing' in xmllint, 'missing' in xmllint ? xmllint.missing : '')
    if ('missing' in xmllint) return
    await using folder = await tempFolder()
    const path = folder.at('a & b <c>')
    await mkdir(path)
    await writeFile(join(path, 'my plan.yaml'), JSON.stringify({ version: 1, accounts: [{ source, targets }] }))
    const { stdout } = await schedule(path, '--format', 'windows', '--at', '23:59')
    const schema = new URL('windows-task.xsd', import.meta.url).pathname
    const valid = async (text: string): Promise<boolean> => {
      await writeFile(folder.at('task.xml'), text)
      const env = { ...process.env, ...(await inherited(xmllint.root)) }
      return run(`${xmllint.root}/usr/bin/xmllint`, ['--noout', '--schema', schema, folder.at('task.xml')], {
        env,
      }).then(
        () => true,
        () => false,
      )
    }
    expect(await valid(stdout)).toBe(true)
    // The order within a trigger counts, and so does every name.
    expect(await valid(stdout.replace(/( *<RandomDelay>.*\n)([^]*)(?= *<\/CalendarTrigger>)/, '$2$1'))).toBe(false)
    expect(await valid(stdout.replaceAll('StartWhenAvailable', 'StartIfAvailable'))).toBe(false)
  })

  it('a wrong plan, time or path is exit 2; a secret that is asked for is warned of', async () => {
    await using folder = await tempFolder()
    const path = await oddFolder(folder, { ...source, password: { prompt: true } })
    const prompted = await schedule(path)
    expect(prompted.code).toBe(0)
    expect(prompted.stderr).toBe('warning: alice: its secret is asked for on a terminal, and a schedule has none\n')
    expect((await schedule(path, '--at', '24:00')).code).toBe(2)
    expect((await schedule(path, '--format', 'launchd')).code).toBe(2)
    expect(await schedule(path, '--format', 'windows')).toMatchObject({ code: 2, stdout: '' })
    expect(await runPopferry(['schedule'], { cwd: path })).toMatchObject({ code: 2, stdout: '' })
  })
})

const targets = [{ type: 'maildir', path: 'mail' }]
