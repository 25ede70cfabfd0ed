import { Command, CommanderError } from 'commander'
import {
  addCommonOptions,
  addInitOptions,
  addReportOptions,
  addRunOptions,
  addScheduleOptions,
  addVerifyOptions,
  type CommonOptions,
  type InitOptions,
  type ReportOptions,
  type RunOptions,
  type ScheduleOptions,
  type VerifyOptions,
} from './options.js'
import { governHeap } from './heap.js'
import { processStreams, type Streams } from './streams.js'
import { packageVersion } from './version.js'

/**
 * Runs the command line of this process and sets its exit code. Only commander is imported before a command is chosen:
 * `--version` must not wait for what `run` needs.
 */
export async function main(): Promise<void> {
  governHeap()
  const streams = processStreams()
  const fail = async (error: unknown): Promise<number> => {
    try {
      const { explain } = await import('./explain.js')
      return explain(error, streams.stderr)
    } catch (reason) {
      // Not even that can be loaded where no more files may be opened (QUIRKS FS-06).
      streams.stderr.write(
        `popferry: a part of the program cannot be loaded: ${String(reason)} — raise the limit of open files (ulimit -n), or install it again\n`,
      )
      return 1
    }
  }
  // Also what nobody awaited. The ledger and the targets stand this like a kill (QUIRKS PRC-08).
  process.on('uncaughtException', (error) => {
    void fail(error).finally(() => process.exit(1))
  })
  try {
    process.exitCode = await execute(process.argv, streams)
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? usageExitCode(error) : await fail(error)
  }
}

async function execute(argv: readonly string[], streams: Streams): Promise<number> {
  let code = 0
  const program = buildProgram(packageVersion(), streams, (result) => {
    code = result
  })
  await program.parseAsync(argv)
  return code
}

/** Help and version were asked for, or the command line is wrong; commander has printed which. */
function usageExitCode(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2
}

/** The command line: what parses it, and what is told of it elsewhere. `done` gets the exit code of a command. */
export function buildProgram(version: string, streams: Streams, done: (exitCode: number) => void): Command {
  const program = new Command('popferry')
    .description(
      'Copies POP3 mailboxes into Maildirs, mboxes, zip archives and IMAP folders: every message, exactly once, unchanged.',
    )
    .exitOverride()
    // Without `(default: false)`: that an option which was not given is off goes without saying.
    .configureHelp({ optionDescription: ({ description }) => description })
    .configureOutput({
      writeOut: (text) => {
        streams.stdout.write(text)
      },
      writeErr: (text) => {
        streams.stderr.write(text)
      },
    })
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
  addPlanCommands(program, { version, streams, done })
  addOtherCommands(program, { version, streams, done })
  return program
}

const planArgument = ['[plan]', 'the plan file', 'migrate.yaml'] as const

interface Surroundings {
  readonly version: string
  readonly streams: Streams
  readonly done: (exitCode: number) => void
}

/** What carries out a plan, or looks at what came of it. */
function addPlanCommands(program: Command, { version, streams, done }: Surroundings): void {
  const run = program.command('run').argument(...planArgument)
  run.description('copy what is missing; safe to repeat, to interrupt and to kill')
  addCommonOptions(addRunOptions(run), version).action(async (plan: string, options: RunOptions) => {
    const { run } = await import('./run.js')
    done(await run(plan, options, streams))
  })

  const check = program.command('check').argument(...planArgument)
  check.description('sign in everywhere and show what is there and what is wrong; fetches and stores nothing')
  addCommonOptions(check, version).action(async (plan: string, options: CommonOptions) => {
    const { check } = await import('./check.js')
    done(await check(plan, options, streams))
  })

  const status = program.command('status').argument(...planArgument)
  status.description("show what is where, from popferry's own records; contacts nobody")
  addCommonOptions(status, version).action(async (plan: string, options: CommonOptions) => {
    const { status } = await import('./status.js')
    done(await status(plan, options, streams))
  })

  const verify = program.command('verify').argument(...planArgument)
  verify.description('read every copy back, and name what is missing, altered or there twice; changes nothing')
  addCommonOptions(addVerifyOptions(verify), version).action(async (plan: string, options: VerifyOptions) => {
    const { verify } = await import('./verify.js')
    done(await verify(plan, options, streams))
  })

  const report = program.command('report').argument(...planArgument)
  report.description("write popferry's own records of what was copied and what was not as one page; contacts nobody")
  addCommonOptions(addReportOptions(report), version).action(async (plan: string, options: ReportOptions) => {
    const { report } = await import('./report.js')
    done(await report(plan, options, streams))
  })
}

/** What comes before a plan, or goes beside it. */
function addOtherCommands(program: Command, { version, streams, done }: Surroundings): void {
  const init = program.command('init').argument(...planArgument)
  init.description('write a commented plan to start from; never overwrites')
  addCommonOptions(addInitOptions(init), version).action(async (plan: string, options: InitOptions) => {
    const { init } = await import('./init.js')
    done(await init(plan, options, streams))
  })

  const schedule = program.command('schedule').argument(...planArgument)
  schedule.description('print a systemd service and timer, a cron line or a Windows task that runs the plan once a day')
  addCommonOptions(addScheduleOptions(schedule), version).action(async (plan: string, options: ScheduleOptions) => {
    const { schedule } = await import('./schedule.js')
    done(await schedule(plan, options, streams))
  })

  const providers = program.command('providers').argument('[address]', 'an address, a domain or a name of the list')
  providers.description('list the providers that a plan can name, or show the one that serves an address')
  addCommonOptions(providers, version).action(async (address: string | undefined, options: CommonOptions) => {
    const { providers } = await import('./providers.js')
    done(providers(address, options, streams))
  })

  const demo = program.command('demo')
  demo.description('copy a sample mailbox from a server inside this process into ./popferry-demo')
  addCommonOptions(demo, version).action(async (options: CommonOptions) => {
    const { demo } = await import('./demo.js')
    done(await demo(options, streams))
  })
}
