import type { Argument, Command, Option } from 'commander'
import type { CommandDescription, CommandLine, CommandOption, Value, ValueKind } from '../src/manual/command-line.js'

/** What a commander program says of itself. */
export function commandLine(program: Command, version: string): CommandLine {
  return {
    version,
    description: program.description(),
    options: optionsOf(program),
    // With `help`, which commander adds.
    commands: program.createHelp().visibleCommands(program).map(commandOf),
  }
}

function commandOf(command: Command): CommandDescription {
  const [argument] = command.registeredArguments
  return {
    name: command.name(),
    description: command.description(),
    ...(argument && { argument: { ...argumentValue(argument), description: argument.description } }),
    options: optionsOf(command),
  }
}

function optionsOf(command: Command): readonly CommandOption[] {
  return command.createHelp().visibleOptions(command).map(optionOf)
}

function optionOf(option: Option): CommandOption {
  const { short, long, description, parseArg, argChoices } = option
  const collects = Array.isArray(option.defaultValue)
  const [, name] = /<(.+)>/.exec(option.flags) ?? []
  return {
    ...(short !== undefined && { short }),
    long: long ?? short ?? '',
    ...(name !== undefined && { value: value(name, argChoices) }),
    // Those that collect values, and those that are counted.
    repeatable: collects || (name === undefined && parseArg !== undefined),
    description,
  }
}

function argumentValue(argument: Argument): Value {
  return value(argument.name(), argument.argChoices)
}

function value(name: string, choices: readonly string[] = []): Value {
  const kind = choices.length > 0 ? 'choice' : (kinds[name] ?? 'other')
  return { name, kind, choices }
}

/** By the names that the help gives to values. */
const kinds: Readonly<Record<string, ValueKind>> = { plan: 'plan', file: 'file', dir: 'folder', command: 'command' }
