import { type CommandDescription, type CommandLine, type CommandOption, spellings, type Value } from './command-line.js'

/** A completion for bash, from 3.2 on; needs nothing else. */
export function bashCompletion(line: CommandLine): string {
  const names = line.commands.map(({ name }) => name).join(' ')
  return `# Completes popferry in bash: source this file, or install it as bash-completion says.

# Offers the files that end so, and all folders.
_popferry_files() {
  local word ending
  compopt -o filenames 2> /dev/null
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(compgen -d -- "$cur"; for ending; do compgen -f -X "!*$ending" -- "$cur"; done)
}

_popferry_words() {
  local word
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(compgen -W "$1" -- "$cur")
}

_popferry() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command='' index
  COMPREPLY=()
  # bash makes three words of --format=cron.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    if [[ \${COMP_WORDS[index]} != -* ]]; then
      command=\${COMP_WORDS[index]}
      break
    fi
  done
  case $command in
    '')
      _popferry_words '${names} ${words(line.options)}'
      ;;
${line.commands.map((command) => commandCase(command, names)).join('')}  esac
}

complete -F _popferry popferry
`
}

function commandCase({ name, argument, options }: CommandDescription, commands: string): string {
  const offers = new Map<string, CommandOption[]>()
  for (const option of options) {
    if (!option.value) continue
    const offered = offer(option.value, commands)
    offers.set(offered, [...(offers.get(offered) ?? []), option])
  }
  const values = [...offers].map(
    ([offered, some]) => `        ${some.flatMap(spellings).join(' | ')})\n          ${offered}\n          ;;\n`,
  )
  return `    ${name})
      case $prev in
${values.join('')}        *)
          if [[ $cur == -* ]]; then
            _popferry_words '${words(options)}'
          else
            ${argument ? offer(argument, commands) : nothing}
          fi
          ;;
      esac
      ;;
`
}

function offer({ kind, choices }: Value, commands: string): string {
  switch (kind) {
    case 'plan':
      return '_popferry_files .yaml .yml'
    case 'file':
      return "_popferry_files ''"
    case 'folder':
      return '_popferry_files'
    case 'choice':
      return `_popferry_words '${choices.join(' ')}'`
    case 'command':
      return `_popferry_words '${commands}'`
    case 'other':
      return nothing
  }
}

const nothing = ':'

function words(options: readonly CommandOption[]): string {
  return options.flatMap(spellings).join(' ')
}
