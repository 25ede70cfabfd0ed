import { asFault } from '../src/ports/fault.js'
import { printable } from '../src/reporters/printable.js'
import type { Output } from '../src/reporters/style.js'
import { faultText } from '../src/reporters/words.js'
import { exitCodes, faultExitCode } from './exit-code.js'
import { Refusal } from './refusal.js'

/** The last catch: says what ended a command, and returns its exit code. Nothing here holds a secret. */
export function explain(error: unknown, output: Output): number {
  if (error instanceof Refusal) {
    for (const line of shown(error.lines)) output.write(`${printable(line, maxLine)}\n`)
    return exitCodes.usage
  }
  const fault = asFault(error)
  if (fault.code === 'plan-conflict') {
    for (const line of shown(fault.message.split('\n'))) output.write(`popferry: ${printable(line, maxLine)}\n`)
  } else {
    output.write(`popferry: ${faultText(fault)}\n`)
  }
  // Function names and lines of our own code: what a report of a bug needs.
  if (fault.code === 'internal') for (const line of stackOf(fault.cause)) output.write(`    ${printable(line)}\n`)
  return faultExitCode(fault)
}

/** Paths and names in full, but no flood. */
const maxLine = 2000

/** One slip in a table may be wrong in each of a thousand rows. */
const maxLines = 100

function shown(lines: readonly string[]): readonly string[] {
  const more = lines.length - maxLines
  return more > 0 ? [...lines.slice(0, maxLines), `… and ${more} more`] : lines
}

function stackOf(cause: unknown): readonly string[] {
  if (!(cause instanceof Error)) return []
  return (cause.stack ?? '')
    .split('\n')
    .flatMap((line) => (/^\s+at /.test(line) ? [line.trim()] : []))
    .slice(0, 8)
}
