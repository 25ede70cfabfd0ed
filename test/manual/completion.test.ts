import { mkdir, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { bashCompletion } from '../../src/manual/bash.js'
import { fishCompletion } from '../../src/manual/fish.js'
import { zshCompletion } from '../../src/manual/zsh.js'
import { spellings } from '../../src/manual/command-line.js'
import { describedProgram } from '../support/program.js'
import { tempFolder } from '../support/rig.js'
import { bash, findFish, findZsh } from '../support/shells.js'

const line = describedProgram()
const commands = line.commands.map(({ name }) => name).toSorted()

const shells = [
  { name: 'bash', shell: bash, script: bashCompletion(line) },
  { name: 'zsh', shell: await findZsh(), script: zshCompletion(line) },
  { name: 'fish', shell: await findFish(), script: fishCompletion(line) },
]

describe.each(shells)('completion in a real $name', ({ name, shell, script }) => {
  const complete = async (lines: readonly string[]): Promise<readonly (readonly string[])[]> => {
    if ('missing' in shell) throw new Error(shell.missing)
    await using folder = await tempFolder()
    await mkdir(folder.at('work', 'folder'), { recursive: true })
    for (const file of ['migrate.yaml', 'users.csv', 'a b.yml']) await writeFile(folder.at('work', file), '')
    return await shell.complete(script, lines, folder)
  }

  it('offers every command, and every option of each', async ({ skip }) => {
    if ('missing' in shell) skip(shell.missing)
    const withOptions = line.commands.filter(({ options }) => options.length > 0)
    const [first, help, ...others] = await complete([
      'popferry ',
      'popferry help ',
      ...withOptions.map(({ name }) => `popferry ${name} --`),
    ])
    expect(first?.filter((word) => !word.startsWith('-'))).toEqual(commands)
    expect(help).toEqual(commands)
    for (const [index, { options }] of withOptions.entries()) {
      expect(others[index]).toEqual(options.map(({ long }) => long).toSorted())
    }
    expect(others).toHaveLength(9)
  })

  it('offers what fits a value', async ({ skip }) => {
    if ('missing' in shell) skip(shell.missing)
    const [formats, joined, free, plan, after] = await complete([
      'popferry schedule --format ',
      'popferry schedule --format=c',
      'popferry schedule --at ',
      'popferry run m',
      'popferry run --limit 5 --dry-run --account x -vv m',
    ])
    expect(formats).toEqual(['cron', 'systemd', 'windows'])
    // fish tells the whole word.
    expect(joined?.map((word) => word.replace('--format=', ''))).toContain('cron')
    expect(free).toEqual([])
    expect(plan).toEqual(['migrate.yaml'])
    expect(after).toEqual(['migrate.yaml'])
  })

  it('offers folders for --state, and plans with odd names', async ({ skip }) => {
    if ('missing' in shell) skip(shell.missing)
    // Our zsh cannot be asked for folders: they are matched elsewhere.
    const [folders, odd] = await complete(['popferry run --state f', 'popferry run a'])
    if (name !== 'zsh') expect(folders?.map((word) => word.replace(/\/$/, ''))).toEqual(['folder'])
    expect(odd).toContain('a b.yml')
  })
})

it('knows which options may be repeated, and what takes a value', () => {
  const run = line.commands.find(({ name }) => name === 'run')
  const repeatable = run?.options.filter((option) => option.repeatable).flatMap(spellings)
  expect(repeatable).toEqual(['-v', '--verbose', '--account'])
  const valued = run?.options.flatMap(({ long, value }) => (value ? [`${long} ${value.kind}`] : []))
  expect(valued).toEqual(expect.arrayContaining(['--limit other', '--account other', '--state folder']))
})
