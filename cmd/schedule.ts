import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jsonLine } from '../src/reporters/json.js'
import { printable } from '../src/reporters/printable.js'
import { cronLine } from '../src/schedule/cron.js'
import type { Job, ScheduleFile } from '../src/schedule/job.js'
import { systemdUnits } from '../src/schedule/systemd.js'
import { windowsTask } from '../src/schedule/windows.js'
import { systemClock } from './clock.js'
import { exitCodes } from './exit-code.js'
import { type OpenedPlan, openPlan } from './open-plan.js'
import type { ScheduleFormat, ScheduleOptions } from './options.js'
import { Refusal } from './refusal.js'
import type { Streams } from './streams.js'

/** `popferry schedule`: what a scheduler needs to run this plan once a day. Prints it, changes nothing. */
export async function schedule(file: string, options: ScheduleOptions, { stdout, stderr }: Streams): Promise<number> {
  const opened = await openPlan(file, options, systemClock)
  for (const account of promptedAccounts(opened)) {
    stderr.write(`warning: ${printable(account)}: its secret is asked for on a terminal, and a schedule has none\n`)
  }
  const format = options.format ?? (process.platform === 'win32' ? 'windows' : 'systemd')
  const job = jobOf(opened, options)
  refuseOddPaths(job, format)
  const files = formats[format](job)
  if (options.json) {
    stdout.write(jsonLine('schedule.finished', { exitCode: exitCodes.done, format, files }, systemClock))
  } else {
    stdout.write(text(files, format, job))
  }
  return exitCodes.done
}

const formats: Readonly<Record<ScheduleFormat, (job: Job) => readonly ScheduleFile[]>> = {
  systemd: systemdUnits,
  cron: cronLine,
  windows: windowsTask,
}

function promptedAccounts({ accounts }: OpenedPlan): readonly string[] {
  const asked = accounts.filter(({ secrets, targets }) =>
    [secrets, ...targets.map((target) => target.secrets)].some((specs) =>
      [...specs.values()].some(({ form }) => form === 'prompt'),
    ),
  )
  return asked.map(({ name }) => name)
}

function jobOf({ plan, accounts }: OpenedPlan, { at, account, state }: ScheduleOptions): Job {
  const name = `popferry-${basename(plan.file)
    .replace(/\.ya?ml$/i, '')
    .replace(/[^A-Za-z0-9-]+/g, '-')}`
  const needed = new Set(accounts.flatMap(variablesOf))
  return {
    name,
    plan: plan.file,
    folder: dirname(plan.file),
    command: [
      process.execPath,
      // This file lies beside it in what the build makes.
      fileURLToPath(new URL('popferry.cjs', import.meta.url)),
      'run',
      '--quiet',
      ...account.flatMap((pattern) => ['--account', pattern]),
      ...(state === undefined ? [] : ['--state', resolve(state)]),
      plan.file,
    ],
    at: at ?? { hour: 4, minute: minuteOf(plan.file) },
    variables: plan.secretVariables.filter((variable) => needed.has(variable)),
  }
}

function variablesOf({ secrets, targets }: OpenedPlan['accounts'][number]): readonly string[] {
  const specs = [secrets, ...targets.map((target) => target.secrets)].flatMap((some) => [...some.values()])
  return specs.flatMap((spec) => (spec.form === 'env' ? [spec.variable] : []))
}

/** Another one for each machine and plan, and the same each time. */
function minuteOf(plan: string): number {
  return createHash('sha256').update(`${hostname()}\0${plan}`).digest().readUInt32BE() % 60
}

function refuseOddPaths({ command, folder }: Job, format: ScheduleFormat): void {
  for (const part of [...command, folder]) {
    if (/\p{Cc}/u.test(part)) throw new Refusal(['a path with control characters cannot stand in a schedule'])
    if (format === 'windows' && part.includes('%')) {
      throw new Refusal([
        'Windows would take what stands between % in a path for a variable: rename the folder or file',
      ])
    }
  }
}

function text(files: readonly ScheduleFile[], format: ScheduleFormat, { name }: Job): string {
  if (format === 'windows') return files.map(({ text }) => text).join('')
  const parts = files.map(({ name, text }) => `# ${name}\n${text}`)
  const next = format === 'systemd' ? `# then: systemctl daemon-reload && systemctl enable --now ${name}.timer\n` : ''
  return parts.join('\n') + next
}
