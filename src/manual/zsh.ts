import { type CommandDescription, type CommandLine, type CommandOption, spellings, type Value } from './command-line.js'

/** A completion for zsh: a file `_popferry` in a folder of `fpath`, or one to source behind `compinit`. */
export function zshCompletion(line: CommandLine): string {
  const described = line.commands.map(({ name, description }) =>
    quoted(`${name}:${description.replaceAll(':', '\\:')}`),
  )
  const commands = `local -a commands=(\n    ${described.join('\n    ')}\n  )`
  return `#compdef popferry

_popferry() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  ${commands}
  _arguments -C \\
    ${[...line.options.map((option) => optionSpec(option, '(- *)')), "'1:command:->command'", "'*::argument:->argument'"].join(' \\\n    ')}
  case $state in
    command)
      _describe command commands
      ;;
    argument)
      case $words[1] in
${line.commands.map(commandCase).join('')}      esac
      ;;
  esac
}

if [[ $funcstack[1] == _popferry ]]; then
  _popferry "$@"
else
  compdef _popferry popferry
fi
`
}

function commandCase({ name, argument, options }: CommandDescription): string {
  const specs = [
    ...options.map((option) => optionSpec(option)),
    ...(argument ? [quoted(`1:${message(argument)}:${action(argument)}`)] : []),
  ]
  return `        ${name})
          _arguments -s \\
            ${specs.join(' \\\n            ')}
          ;;
`
}

/** Both spellings of an option exclude each other, unless it may be repeated. */
function optionSpec(option: CommandOption, excludes?: string): string {
  const names = spellings(option)
  const { value, repeatable, description } = option
  const prefix = excludes ?? (repeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : '')
  const text = `[${description.replace(/[[\]\\:]/g, '\\$&')}]${value ? `:${message(value)}:${action(value)}` : ''}`
  const named = names.map((name) => (value && name.startsWith('--') ? `${name}=` : name))
  return named.length > 1
    ? `${quoted(prefix)}{${named.join(',')}}${quoted(text)}`
    : quoted(`${prefix}${named.join('')}${text}`)
}

function message({ name }: Value): string {
  return name.replaceAll(':', '\\:')
}

function action({ kind, choices }: Value): string {
  switch (kind) {
    case 'plan':
      return '_files -g "*.(yaml|yml)(-.)"'
    case 'file':
      return '_files'
    case 'folder':
      return '_files -/'
    case 'choice':
      return `(${choices.join(' ')})`
    case 'command':
      return '{_describe command commands}'
    case 'other':
      return ' '
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
