import {
  type CommandDescription,
  type CommandLine,
  commonOptions,
  type CommandOption,
  ownOptions,
  spellings,
  workingCommands,
} from './command-line.js'

/** An exit code and what it means, with names of commands in backquotes. */
export type ExitCode = readonly [code: number, meaning: string]

/** The page `popferry(1)`, for roff with the macros of man(7). */
export function manPage(line: CommandLine, exitCodes: readonly ExitCode[]): string {
  const commands = workingCommands(line)
  return `${[
    `.TH POPFERRY 1 "" "popferry ${line.version}" "User Commands"`,
    '.SH NAME',
    `popferry \\- ${roff('moves and backs up POP3 mailboxes')}`,
    '.SH SYNOPSIS',
    ...commands.flatMap((command, index) => [...(index > 0 ? ['.br'] : []), ...synopsis(command)]),
    '.SH DESCRIPTION',
    ...paragraphs(line.description, description),
    '.SH COMMANDS',
    ...commands.flatMap((command) => commandText(line, command)),
    '.SH OPTIONS',
    'Every command takes these.',
    ...commonOptions(line).flatMap(optionText),
    '.SH EXIT STATUS',
    ...exitCodes.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roff(sentence(meaning))]),
    '.SH FILES',
    ...files.flatMap(([name, meaning]) => ['.TP', `.I ${roff(name)}`, roff(meaning)]),
    '.SH EXAMPLES',
    ...examples.flatMap(([command, meaning]) => ['.TP', `.B ${roff(command)}`, roff(meaning)]),
  ].join('\n')}\n`
}

const description =
  'The plan is a YAML file that names the accounts, where their mail goes, and how to sign in. After popferry run ends ' +
  'with exit status 0, every message that was in a maildrop is at every target, byte for byte, exactly once, even if ' +
  'earlier runs were killed at any instant. Nothing is deleted at the source unless the plan says so.'

const files: readonly (readonly [name: string, meaning: string])[] = [
  ['migrate.yaml', 'The plan, where none is named. popferry init writes a commented one.'],
  [
    'migrate.state/',
    'Beside the plan: ledger.db, the record of what was delivered where; messages that a target refused; messages on ' +
      'their way. Keep it as long as you keep running the plan.',
  ],
]

const examples: readonly (readonly [command: string, meaning: string])[] = [
  ['popferry init --email you@example.org', 'Writes a plan to start from.'],
  ['popferry check', 'Signs in everywhere and says what is wrong, before the first run.'],
  ['popferry run', 'Copies what is missing. Repeat it, interrupt it, kill it: it goes on where it stopped.'],
  ['popferry run --quiet --account sales-*', 'Only some accounts, and silence unless something is wrong.'],
  ['popferry verify --source', 'Reads every copy back, and names what the maildrops hold beside.'],
]

function synopsis({ name, argument }: CommandDescription): readonly string[] {
  return [`.B popferry ${roff(name)}`, '.RI [ options ]', ...(argument ? [`.RI [ ${roff(argument.name)} ]`] : [])]
}

function commandText(line: CommandLine, command: CommandDescription): readonly string[] {
  const { name, argument, description } = command
  const value = argument ? ` [\\fI${roff(argument.name)}\\fR]` : ''
  const own = ownOptions(line, command)
  return [
    '.TP',
    `\\fB${roff(name)}\\fR${value}`,
    roff(sentence(description)),
    ...(own.length > 0 ? ['.RS', ...own.flatMap(optionText), '.RE'] : []),
  ]
}

function optionText(option: CommandOption): readonly string[] {
  const { value, description } = option
  const names = spellings(option).map((name) => `\\fB${roff(name)}\\fR`)
  const choices = value?.kind === 'choice' ? ` (${value.choices.join(', ')})` : ''
  return [
    '.TP',
    `${names.join(', ')}${value ? ` \\fI${roff(value.name)}\\fR` : ''}`,
    roff(sentence(`${description}${choices}`)),
  ]
}

function paragraphs(...texts: readonly string[]): readonly string[] {
  return texts.flatMap((text, index) => [...(index > 0 ? ['.PP'] : []), roff(text)])
}

function sentence(text: string): string {
  const plain = text.replaceAll('`', '')
  return `${plain.slice(0, 1).toUpperCase()}${plain.slice(1)}${plain.endsWith('.') ? '' : '.'}`
}

/**
 * Text as roff takes it, in lines of less than 80 characters. Dashes stay ASCII, so that what is typed can be copied;
 * no line becomes a request.
 */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '\\&...').replaceAll('’', "'")
  return escaped
    .replace(/(.{1,75})(?: +|$)/g, '$1\n')
    .trimEnd()
    .replace(/^[.']/gm, '\\&$&')
}
