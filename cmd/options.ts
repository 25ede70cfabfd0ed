import { type Command, InvalidArgumentError } from 'commander'

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
  readonly limit?: number
}

export interface VerifyOptions extends CommonOptions {
  readonly source: boolean
}

export interface InitOptions extends CommonOptions {
  readonly email?: string
  /** Also a table, from which the accounts come. */
  readonly csv: boolean
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
    .option('--limit <n>', 'copy at most N messages of each account', parseCount)
}

export function addVerifyOptions(command: Command): Command {
  return command.option('--source', 'also list the maildrops, and name what is not copied', false)
}

export function addInitOptions(command: Command): Command {
  return command
    .option('--email <address>', "fill in the servers of this address's provider")
    .option('--csv', 'make one account of each row of a table, and write a table to fill in', false)
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

function parseCount(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('expected a number of messages.')
  return Number(value)
}
