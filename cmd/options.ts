import { type Command, InvalidArgumentError, Option } from 'commander'

/** What every command takes. */
export interface CommonOptions {
  readonly json: boolean
  readonly quiet: boolean
  /** How often `--verbose` was given; 2 shows the protocol. */
  readonly verbose: number
  readonly color: boolean
  readonly progress: boolean
  /** Patterns; none: all accounts. */
  readonly account: readonly string[]
  readonly state?: string
}

export interface RunOptions extends CommonOptions {
  readonly dryRun: boolean
  readonly repair: boolean
  readonly adopt: boolean
  readonly limit?: number
  /** Where to write a report at the end. */
  readonly report?: string
  /** Not looked at yet: commander would repeat a wrong one, and it is a secret of its kind. */
  readonly ping?: string
}

export interface ReportOptions extends CommonOptions {
  readonly output: string
}

export interface VerifyOptions extends CommonOptions {
  readonly source: boolean
}

export interface InitOptions extends CommonOptions {
  readonly email?: string
  /** Also a table, from which the accounts come. */
  readonly csv: boolean
}

export type ScheduleFormat = (typeof scheduleFormats)[number]

const scheduleFormats = ['systemd', 'cron', 'windows'] as const

export interface ScheduleOptions extends CommonOptions {
  /** Default: what the platform has. */
  readonly format?: ScheduleFormat
  readonly at?: { readonly hour: number; readonly minute: number }
}

export function addCommonOptions(command: Command, version: string): Command {
  return command
    .option('--json', 'print one JSON object a line on stdout', false)
    .option('-q, --quiet', 'print failures and warnings only', false)
    .option('-v, --verbose', 'print more; twice: the protocol, secrets masked', (_, count: number) => count + 1, 0)
    .option('--no-color', 'print without colours (NO_COLOR and FORCE_COLOR are honoured as well)')
    .option('--no-progress', 'show no progress bars')
    .option('--account <name>', 'only this account of the plan; repeatable, * stands for anything', collect, [])
    .option('--state <dir>', 'use this state folder instead of the one in the plan')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
}

export function addRunOptions(command: Command): Command {
  return command
    .option('--dry-run', 'sign in and list what would be copied; download nothing, write nothing', false)
    .option('--repair', 'first read every target back, and copy again what is missing there', false)
    .option('--adopt', 'rebuild a lost ledger from what the targets hold, and copy only what is missing there', false)
    .option('--limit <n>', 'copy at most N messages of each account', parseCount)
    .option('--report <file>', 'write a report at the end: a page (.html) or data (.json)')
    .option('--ping <url>', 'tell a health check by https: URL/start, then URL or URL/fail; not in a dry run')
}

export function addVerifyOptions(command: Command): Command {
  return command.option('--source', 'also list the maildrops, and name what is not copied', false)
}

export function addReportOptions(command: Command): Command {
  return command.requiredOption(
    '--output <file>',
    'where to write it: a page (.html) or data (.json); replaced if there',
  )
}

export function addInitOptions(command: Command): Command {
  return command
    .option('--email <address>', "fill in the servers of this address's provider")
    .option('--csv', 'make one account of each row of a table, and write a table to fill in', false)
}

export function addScheduleOptions(command: Command): Command {
  const format = new Option('--format <name>', 'for which scheduler; default: what this system has')
  return command
    .addOption(format.choices(scheduleFormats))
    .option('--at <hh:mm>', 'when, once a day; default: at some minute after four', parseTime)
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

function parseTime(value: string): ScheduleOptions['at'] {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(value) ?? []
  if (hour === undefined || minute === undefined) throw new InvalidArgumentError('expected a time such as 04:30.')
  return { hour: Number(hour), minute: Number(minute) }
}

function parseCount(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('expected a number of messages.')
  return Number(value)
}
