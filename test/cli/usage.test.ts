import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openScene, snapshot } from './scene.js'

describe.concurrent('the command line', () => {
  it.each([[['--version']], [['run', '--version']]])('%j prints the version', async (args) => {
    await using scene = await openScene()
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    expect(await scene.run(args)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each<[string[], string[]]>([
    [['--help'], ['run [options] [plan]', 'status [options] [plan]', 'demo [options]']],
    [
      ['run', '--help'],
      ['--dry-run', '--limit <n>', 'default: "migrate.yaml"'],
    ],
    [['status', '-h'], ['contacts nobody']],
    [['demo', '--help'], ['./popferry-demo']],
  ])('%j prints help', async (args, expected) => {
    await using scene = await openScene()
    const { code, stdout, stderr } = await scene.run(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const words of expected) expect(stdout).toContain(words)
    if (args.length > 1) {
      for (const option of ['--json', '--quiet', '--verbose', '--no-color', '--no-progress', '--account', '--state']) {
        expect(stdout).toContain(option)
      }
    }
    expect(stdout).not.toContain('default: false')
  })
})

describe.concurrent('PRC-10 wrong usage: exit 2, nothing contacted, nothing written', () => {
  it.each<[string[], string]>([
    [[], 'Usage: popferry'],
    [['rnu'], '(Did you mean run?)'],
    [['run', '--dryrun'], '(Did you mean --dry-run?)'],
    [['run', '--limit', 'x'], 'expected a number of messages'],
    [['run', '--limit'], 'argument missing'],
    [['run', 'migrate.yaml', 'other.yaml'], 'too many arguments'],
    [['status', '--limit', '1'], 'unknown option'],
    [['run', 'none.yaml'], 'none.yaml: there is no such plan'],
    [['run', '.'], '.: the plan cannot be read (EISDIR)'],
    [['run', '--account', 'alise'], 'no account of the plan is called "alise"; did you mean `alice`?'],
    [['status', '--account', 'b*'], 'no account of the plan is called "b*"'],
    [['run', '--account', '\u001b[2J'], 'called "\\x1b[2J"'],
  ])('%j', async (args, words) => {
    await using scene = await openScene()
    const before = await snapshot(scene.folder.path)
    const { code, stdout, stderr } = await scene.run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(scene.server.sessions).toEqual([])
    expect(await snapshot(scene.folder.path)).toEqual(before)
  })
})
