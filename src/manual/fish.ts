import { type CommandDescription, type CommandLine, type CommandOption, type Value } from './command-line.js'

/** A completion for fish: a file `popferry.fish` in its folder of completions. */
export function fishCompletion(line: CommandLine): string {
  const names = line.commands.map(({ name }) => name)
  const top = [
    ...line.commands.map(({ name, description }) => complete(first, `-a ${name} -d ${quoted(description)}`)),
    ...line.options.map((option) => complete(first, optionWords(option, names))),
  ]
  const rest = line.commands.flatMap((command) => ['', ...commandLines(command, names)])
  return `${['complete -c popferry -f', ...top, ...rest].join('\n')}\n`
}

const first = '__fish_use_subcommand'

function commandLines({ name, argument, options }: CommandDescription, names: readonly string[]): readonly string[] {
  const condition = `__fish_seen_subcommand_from ${name}`
  const offered = argument ? offer(argument, names) : ''
  return [
    ...(offered === '' ? [] : [complete(condition, offered)]),
    ...options.map((option) => complete(condition, optionWords(option, names))),
  ]
}

function complete(condition: string, words: string): string {
  return `complete -c popferry -n ${quoted(condition)} ${words}`
}

function optionWords({ short, long, value, description }: CommandOption, names: readonly string[]): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    `-l ${long.slice(2)}`,
    // With a value that is no file.
    ...(value ? ['-x', offer(value, names)] : []),
    `-d ${quoted(description)}`,
  ]
    .filter((word) => word !== '')
    .join(' ')
}

function offer({ kind, choices }: Value, names: readonly string[]): string {
  switch (kind) {
    case 'plan':
      return `-k -a ${quoted('(__fish_complete_suffix .yaml)')}`
    case 'file':
      return `-k -a ${quoted('(__fish_complete_path)')}`
    case 'folder':
      return `-a ${quoted('(__fish_complete_directories)')}`
    case 'choice':
      return `-a ${quoted(choices.join(' '))}`
    case 'command':
      return `-a ${quoted(names.join(' '))}`
    case 'other':
      return ''
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
