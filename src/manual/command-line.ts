/** What a value of an option or an argument stands for, as far as it can be completed. */
export type ValueKind = 'plan' | 'file' | 'folder' | 'choice' | 'command' | 'other'

export interface Value {
  /** As in the help: `n`, `dir`. */
  readonly name: string
  readonly kind: ValueKind
  /** Of a `choice`. */
  readonly choices: readonly string[]
}

export interface CommandOption {
  /** With its dashes: `-q`. */
  readonly short?: string
  /** With its dashes: `--quiet`. */
  readonly long: string
  readonly value?: Value
  readonly repeatable: boolean
  readonly description: string
}

export interface CommandDescription {
  readonly name: string
  readonly description: string
  readonly argument?: Value & { readonly description: string }
  readonly options: readonly CommandOption[]
}

/** The command line of popferry, told to shells, to `man` and to readers; made from what parses it. */
export interface CommandLine {
  readonly version: string
  readonly description: string
  /** Of `popferry` without a command. */
  readonly options: readonly CommandOption[]
  readonly commands: readonly CommandDescription[]
}

/** The commands that do something: all but `help`. */
export function workingCommands({ commands }: CommandLine): readonly CommandDescription[] {
  return commands.filter(({ argument }) => argument?.kind !== 'command')
}

/** Options that every working command takes, in the order of the first. */
export function commonOptions(line: CommandLine): readonly CommandOption[] {
  const [first, ...others] = workingCommands(line)
  return (first?.options ?? []).filter(({ long }) =>
    others.every(({ options }) => options.some((option) => option.long === long)),
  )
}

/** Options of a command that not every other has. */
export function ownOptions(line: CommandLine, { options }: CommandDescription): readonly CommandOption[] {
  const common = new Set(commonOptions(line).map(({ long }) => long))
  return options.filter(({ long }) => !common.has(long))
}

/** `-q`, `--quiet`: what is typed for an option. */
export function spellings({ short, long }: CommandOption): readonly string[] {
  return short === undefined ? [long] : [short, long]
}
