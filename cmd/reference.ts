import { planJsonSchema } from '../src/plan/json-schema.js'
import { reference } from '../src/manual/reference.js'
import type { CommandLine } from '../src/manual/command-line.js'
import { faults } from '../src/ports/fault.js'
import { warnings } from '../src/ports/warning.js'
import { kinds } from '../src/registry.js'
import { flagTexts } from '../src/reporters/words.js'
import { exitCodeList, precedence } from './exit-code.js'

/** `docs/reference.md`, from the program itself. */
export function referenceText(line: CommandLine): string {
  return reference({
    line,
    schema: planJsonSchema(kinds),
    faults,
    warnings,
    flags: flagTexts,
    exitCodes: exitCodeList,
    precedence,
  })
}
