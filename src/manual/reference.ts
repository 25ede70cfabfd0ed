import {
  type CommandDescription,
  type CommandLine,
  commonOptions,
  type CommandOption,
  ownOptions,
  spellings,
  workingCommands,
} from './command-line.js'
import type { ExitCode } from './man-page.js'
import { type JsonSchema, planReference } from './plan-reference.js'
import { code, table } from './markdown.js'

export interface FailureKind {
  readonly scope: string
  readonly transient: boolean
  readonly hint: string
}

/** What the reference is made of: the program itself. */
export interface ReferenceFacts {
  readonly line: CommandLine
  readonly schema: JsonSchema
  readonly faults: Readonly<Record<string, FailureKind>>
  readonly warnings: Readonly<Record<string, string>>
  readonly flags: Readonly<Record<string, string>>
  readonly exitCodes: readonly ExitCode[]
  readonly precedence: readonly number[]
}

/** `docs/reference.md`. */
export function reference({ line, schema, faults, warnings, flags, exitCodes, precedence }: ReferenceFacts): string {
  return `${[
    '# Reference',
    '<!-- Made from the code by `npm run build`; a change made here is lost. -->',
    'All commands and options, all keys of a plan, all codes. What they are for stands in the [README](../README.md), what is ' +
      'read with `--json` in [json.md](json.md), and what to do about an error in [troubleshooting.md](troubleshooting.md).',
    '## Commands',
    ...workingCommands(line).flatMap((command) => commandText(line, command)),
    '### Options of every command',
    optionTable(commonOptions(line)),
    ...planReference(schema),
    '## Codes of failures',
    'In `code` of the events, and in the words of [troubleshooting.md](troubleshooting.md) everywhere else. _What it ends_: the message, ' +
      'the session (the next one follows after a pause), the target, the account or the whole run; everything else goes on. ' +
      'A failure that passes by itself makes exit code 75, any other 3, unless the last table says otherwise. The advice is the ' +
      'usual one: what is known of the server or the provider makes it more exact.',
    table(
      ['code', 'ends', 'passes by itself', 'advice'],
      Object.entries(faults).map(([name, { scope, transient, hint }]) => [
        code(name),
        scope,
        transient ? 'yes' : '',
        hint,
      ]),
    ),
    '## Codes of warnings',
    'Nothing failed, but look at it.',
    pairs('code', warnings),
    '## Flags of messages',
    'The message was stored, but look at it.',
    pairs('flag', flags),
    '## Exit codes',
    `Where several apply, the first of ${precedence.join(', ')} counts.`,
    table(
      ['exit code', 'meaning'],
      exitCodes.map(([number, meaning]) => [String(number), meaning]),
    ),
  ].join('\n\n')}\n`
}

function pairs(title: string, meanings: Readonly<Record<string, string>>): string {
  return table(
    [title, 'meaning'],
    Object.entries(meanings).map(([name, meaning]) => [code(name), meaning]),
  )
}

function commandText(line: CommandLine, command: CommandDescription): readonly string[] {
  const { name, argument, description } = command
  const own = ownOptions(line, command)
  return [
    `### \`popferry ${name}${argument ? ` [${argument.name}]` : ''}\``,
    `${description.slice(0, 1).toUpperCase()}${description.slice(1)}.`,
    ...(own.length > 0 ? [optionTable(own)] : []),
  ]
}

function optionTable(options: readonly CommandOption[]): string {
  return table(
    ['option', 'meaning'],
    options.map((option) => {
      const { value, description } = option
      const choices = value?.kind === 'choice' ? `: ${value.choices.map(code).join(', ')}` : ''
      return [code(`${spellings(option).join(', ')}${value ? ` <${value.name}>` : ''}`), `${description}${choices}`]
    }),
  )
}
