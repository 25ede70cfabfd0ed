import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { formatDiagnostic } from '../../src/plan/diagnostic.js'
import { loadPlan } from '../../src/plan/load.js'
import { kinds } from '../../src/registry.js'
import { blocks, commands, pages, root } from '../support/documents.js'
import { program } from '../support/program.js'

const paths = [...pages.keys()]
const page = (path: string): string => pages.get(path) ?? ''

/** What is wrong with a plan; a table of the same page is `users.csv`. */
function problems(plan: string, tables: readonly string[]): readonly string[] {
  const loaded = loadPlan({
    bytes: new TextEncoder().encode(plan),
    file: '/plans/migrate.yaml',
    kinds,
    now: new Date(0),
    run: 'run-1',
    readFile: () => new TextEncoder().encode(tables[0] ?? ''),
  })
  return 'plan' in loaded ? [] : loaded.diagnostics.map(formatDiagnostic)
}

describe.each(paths)('%s', (path) => {
  const plans = blocks(page(path), 'yaml').filter((text) => text.startsWith('version:'))

  it('shows only plans that are right', () => {
    for (const plan of plans) expect(problems(plan, blocks(page(path), 'csv'))).toEqual([])
  })

  it('shows only commands that are right', () => {
    for (const line of commands(page(path))) {
      // `[plan]` and `…` stand for what anyone writes there.
      const words = line.replaceAll(/[[\]]/g, '').replaceAll('…', 'x').replaceAll("'", '').split(/\s+/).slice(1)
      try {
        program().parse(words, { from: 'user' })
      } catch (error) {
        // A command that is only named, without what it needs, and what ends by itself.
        const ends = ['commander.missingMandatoryOptionValue', 'commander.version']
        if (!(error instanceof CommanderError && ends.includes(error.code))) expect.fail(`${line}: ${String(error)}`)
      }
    }
  })

  it('links only to what is there', () => {
    for (const [, target = ''] of page(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [file = '', anchor] = target.split('#')
      const linked = file === '' ? path : join(dirname(path), file)
      expect(existsSync(join(root, linked)), target).toBe(true)
      if (anchor !== undefined) expect(anchors(page(linked))).toContain(anchor)
    }
  })
})

it('guides show a whole plan and commands each', () => {
  for (const name of ['company', 'person', 'nightly', 'leaving-gmail', 'leaving-outlook', 'leaving-yahoo-japan']) {
    const text = page(`docs/${name}.md`)
    expect(blocks(text, 'yaml').filter((plan) => plan.startsWith('version: 1'))).toHaveLength(1)
    expect(commands(text).length).toBeGreaterThan(2)
    expect(page('README.md')).toContain(`docs/${name}.md`)
  }
})

it('sees what is wrong', () => {
  expect(problems('version: 1\naccounts: []\n', [])).not.toEqual([])
  expect(commands('```sh\npopferry rnu # comment\n```\n`popferry check`')).toEqual(['popferry rnu', 'popferry check'])
})

/** As GitHub makes them. */
function anchors(text: string): readonly string[] {
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
