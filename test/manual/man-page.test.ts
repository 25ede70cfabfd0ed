import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { exitCodeList } from '../../cmd/exit-code.js'
import { spellings, workingCommands } from '../../src/manual/command-line.js'
import { manPage } from '../../src/manual/man-page.js'
import { unpackedPackages } from '../support/debian-packages.js'
import { describedProgram, program } from '../support/program.js'
import { tempFolder } from '../support/rig.js'

const run = promisify(execFile)
const line = describedProgram()
const page = manPage(line, exitCodeList)
const found = await unpackedPackages({ name: 'mandoc', packages: ['mandoc'] })

describe('the man page', () => {
  let text = ''
  let complaints = ''

  beforeAll(async () => {
    if ('missing' in found) return
    await using folder = await tempFolder()
    await writeFile(folder.at('popferry.1'), page)
    const mandoc = `${found.root}/usr/bin/mandoc`
    const shown = await run(mandoc, ['-Tutf8', '-O', 'width=200', folder.at('popferry.1')])
    // Overstriking makes words bold.
    text = shown.stdout.replaceAll(/.\u0008/gu, '').replaceAll(/\s+/g, ' ')
    // It complains by its exit code as well.
    const lint = run(mandoc, ['-Tlint', folder.at('popferry.1')])
    complaints = (await lint.catch((error: unknown) => error as { readonly stdout: string })).stdout
  })

  it('has every command, option and exit code, in words that mandoc has nothing against', ({ skip }) => {
    if ('missing' in found) skip(found.missing)
    // Without a date, a version gives the same page whenever it is built.
    expect(complaints.replace(/^.*missing date.*\n/m, '')).toBe('')
    for (const { name, description, options } of workingCommands(line)) {
      expect(text).toContain(`popferry ${name} [options]`)
      expect(text).toContain(description.slice(1))
      for (const option of options) expect(text).toContain(spellings(option).join(', '))
    }
    for (const [code, meaning] of exitCodeList) expect(text).toContain(` ${code} ${meaning[0]?.toUpperCase() ?? ''}`)
  })

  it('shows commands that work as they are written', () => {
    const examples = page.slice(page.indexOf('.SH EXAMPLES')).matchAll(/^\.B popferry (.*)$/gm)
    const lines = Array.from(examples, ([, words = '']) => words.replaceAll('\\-', '-'))
    expect(lines.length).toBeGreaterThan(3)
    for (const words of lines) expect(() => program().parse(words.split(' '), { from: 'user' })).not.toThrow()
    expect(() => program().parse(['run', '--nope'], { from: 'user' })).toThrow()
  })
})

describe('what is installed', () => {
  it('has the completions and the page, as `npm run build` made them', async () => {
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'])
    const [packed] = JSON.parse(stdout) as readonly [{ readonly files: readonly { readonly path: string }[] }]
    const paths = packed.files.map(({ path }) => path)
    for (const file of ['popferry.bash', '_popferry', 'popferry.fish']) {
      expect(paths).toContain(`dist/completions/${file}`)
    }
    const { man } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly man: readonly string[] }
    // npm links only what stands in a list.
    expect(man).toHaveLength(1)
    expect(paths).toEqual(expect.arrayContaining([...man]))
  })
})
