import type { Command } from 'commander'
import { commandLine } from '../../cmd/command-line.js'
import { buildProgram } from '../../cmd/main.js'
import type { CommandLine } from '../../src/manual/command-line.js'

const silent = { write: () => undefined }

/** What parses the command line; wrong ones throw, and nothing is carried out. */
export function program(): Command {
  const program = buildProgram('1.2.3', { stdout: silent, stderr: silent }, () => undefined)
  for (const command of program.commands) command.action(() => undefined)
  return program
}

export function describedProgram(): CommandLine {
  return commandLine(program(), '1.2.3')
}
