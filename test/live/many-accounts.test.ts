import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { thorough } from '../fault/scene.js'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { letter } from '../support/mail.js'
import {
  type Finished,
  type JsonEvent,
  readMaildir,
  readMboxrd,
  startPopferry,
  type TempFolder,
  tempFolder,
  writePlan,
} from '../support/rig.js'

const found = await findDovecot()
const mostMiB = 250
const accounts = thorough ? 1000 : 300
const users = Array.from({ length: accounts }, (_, index) => `clerk-${String(index).padStart(3, '0')}`)
/** Each has some; two of each are twins. */
const mail = new Map(users.map((user, index) => [user, lettersOf(user, 2 + (index % 9))]))
const messages = [...mail.values()].flat().length

it(`${accounts} accounts from a table: interrupted, killed, run again, verified, each message once, in little memory`, async ({
  skip,
}) => {
  if ('missing' in found) skip(found.missing)
  await using dovecot = await Dovecot.start({ users: Object.fromEntries(users.map((user) => [user, 'maildir'])) })
  for (const [user, letters] of mail) await dovecot.fill(user, letters)
  await using folder = await tempFolder()
  await writeTablePlan(folder, dovecot)
  const peaks: Record<string, number> = {}
  const run = async (name: string, args: readonly string[], stop?: Stop): Promise<Finished> => {
    const { finished, peakMiB } = await watched(folder, args, stop)
    peaks[name] = Math.round(peakMiB)
    return finished
  }

  const interrupted = await run('interrupted', ['run', '--json'], { after: 200, signal: 'SIGINT' })
  expect(interrupted).toMatchObject({ code: 130, stderr: '' })
  expect(interrupted.events.at(-1)).toMatchObject({ type: 'run.finished', exitCode: 130 })
  expect(Number(interrupted.events.at(-1)?.['copied'])).toBeGreaterThan(0)

  const killed = await run('killed', ['run', '--json'], { after: 200, signal: 'SIGKILL' })
  expect(killed.signal).toBe('SIGKILL')

  const whole = await run('whole', ['run', '--json'])
  expect(whole).toMatchObject({ code: 0, stderr: '' })
  const sums = whole.events.at(-1)
  expect(sums).toMatchObject({ type: 'run.finished', exitCode: 0, listed: messages, failed: 0, pending: 0 })
  expect(Number(sums?.['copied']) + Number(sums?.['present'])).toBe(messages)
  for (const [user, letters] of mail) expect(await storedOf(folder, user)).toEqual(storedForms(letters))

  const again = await run('again', ['run'])
  expect(again).toMatchObject({
    code: 0,
    stdout: `All ${messages.toLocaleString('en')} messages of ${accounts.toLocaleString('en')} accounts are safe: nothing new.\n`,
    stderr: '',
  })

  const verified = await run('verify', ['verify', '--json'])
  expect(verified.code).toBe(0)
  const verdicts = verified.events.filter(({ type }) => type === 'verify.account')
  const checked = verdicts.flatMap(({ targets }) => targets as { readonly ok: boolean; readonly checked: number }[])
  expect(checked).toHaveLength(2 * accounts)
  expect(checked.every(({ ok }) => ok)).toBe(true)
  expect(checked.reduce((sum, { checked }) => sum + checked, 0)).toBe(2 * messages)

  const report = await run('report', ['report', '--output', 'report.json', '--json'])
  expect(report).toMatchObject({ code: 0, stderr: '' })
  const page = await readFile(folder.at('report.json'), 'utf8')
  for (const user of users) expect(page).toContain(`"${user}"`)

  const status = await run('status', ['status', '--json'])
  expect(status.events.filter(({ type }) => type === 'status.account')).toHaveLength(accounts)
  process.stdout.write(`${accounts} accounts, at most so many MiB of memory: ${JSON.stringify(peaks)}\n`)
  // Where nobody says how much it was, it is zero.
  if (process.platform === 'linux') expect(Math.min(...Object.values(peaks))).toBeGreaterThan(0)
  expect(Math.max(...Object.values(peaks))).toBeLessThan(mostMiB)
}, 3_600_000)

interface Stop {
  /** Checkpoints of the run. */
  readonly after: number
  readonly signal: 'SIGINT' | 'SIGKILL'
}

/** Runs the program; `peakMiB` as Linux says while it works (zero elsewhere). */
async function watched(
  folder: TempFolder,
  args: readonly string[],
  stop?: Stop,
): Promise<{ readonly finished: Finished; readonly peakMiB: number }> {
  await using running = startPopferry(args, { cwd: folder.path })
  let peakMiB = 0
  // Some print one line, and are gone.
  const watch = setInterval(() => {
    peakMiB = peakOf(running.pid) ?? peakMiB
  }, 20)
  let checkpoints = 0
  if (running.child.stdout) {
    createInterface(running.child.stdout).on('line', (line) => {
      if (stop && line.startsWith('{')) {
        const { type } = JSON.parse(line) as JsonEvent
        if (type === 'checkpoint' && ++checkpoints === stop.after) running.kill(stop.signal)
      }
    })
  }
  const finished = await running.finished
  clearInterval(watch)
  if (stop) expect(checkpoints).toBeGreaterThanOrEqual(stop.after)
  return { finished, peakMiB }
}

function peakOf(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024
  } catch {
    // It has ended, or this is no Linux.
    return undefined
  }
}

async function writeTablePlan(folder: TempFolder, dovecot: Dovecot): Promise<void> {
  const rows = users.map((user) => `${user},${dovecot.password},${user.at(-1) ?? ''}`)
  await writeFile(folder.at('users.csv'), ['name,password,team', ...rows, ''].join('\r\n'), { mode: 0o600 })
  await writePlan(folder, {
    accountsFrom: { csv: 'users.csv' },
    concurrency: { accounts: 16, perHost: 16 },
    defaults: {
      source: { ...dovecot.source('{account}', 'none'), password: { column: 'password' } },
      targets: [
        { type: 'maildir', path: 'mail/team-{team}/{account}' },
        { type: 'mbox', path: 'mail/{account}.mbox' },
      ],
    },
  })
}

function lettersOf(user: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => letter(`${user} ${Math.max(1, index)}`, 900 * Math.max(1, index)))
}

function storedForms(letters: readonly string[]): readonly string[] {
  const forms = letters.map((text) => text.replaceAll('\r\n', '\n')).toSorted()
  return [...forms, ...forms]
}

async function storedOf(folder: TempFolder, user: string): Promise<readonly string[]> {
  const maildir = await readMaildir(folder.at('mail', `team-${user.at(-1) ?? ''}`, user))
  const mbox = await readMboxrd(folder.at('mail', `${user}.mbox`))
  return [maildir, mbox].flatMap((stored) => stored.map(({ bytes }) => bytes.toString()).toSorted())
}
