import { Command, CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { addCommonOptions, addRunOptions } from '../../cmd/options.js'

/** The options of `run`; what is wrong is thrown. */
function parse(...args: readonly string[]): Record<string, unknown> {
  const command = new Command('run').exitOverride().configureOutput({ writeErr: () => undefined })
  addCommonOptions(addRunOptions(command), '1.2.3').argument('[plan]')
  return command.parse(args, { from: 'user' }).opts()
}

const defaults = {
  json: false,
  quiet: false,
  verbose: 0,
  color: true,
  progress: true,
  account: [],
  dryRun: false,
  repair: false,
  adopt: false,
}

describe('options', () => {
  it.each<[string, object]>([
    ['', {}],
    ['--json', { json: true }],
    ['-q', { quiet: true }],
    ['--quiet', { quiet: true }],
    ['-v', { verbose: 1 }],
    ['-vv', { verbose: 2 }],
    ['--verbose --verbose', { verbose: 2 }],
    ['--no-color', { color: false }],
    ['--no-progress', { progress: false }],
    ['--account a --account b*', { account: ['a', 'b*'] }],
    ['--state s', { state: 's' }],
    ['--dry-run', { dryRun: true }],
    ['--repair', { repair: true }],
    ['--limit 0', { limit: 0 }],
    ['--limit 25', { limit: 25 }],
  ])('%s', (line, expected) => {
    expect(parse(...line.split(' ').filter(Boolean))).toEqual({ ...defaults, ...expected })
  })

  it.each(['--limit', '--limit x', '--limit -1', '--limit 1.5', '--limit 1e3', '--account', '--state', '--nope'])(
    'refuses %s',
    (line) => {
      expect(() => parse(...line.split(' '))).toThrow(CommanderError)
    },
  )
})
