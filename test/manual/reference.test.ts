import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exitCodeList } from '../../cmd/exit-code.js'
import { referenceText } from '../../cmd/reference.js'
import { planJsonSchema } from '../../src/plan/json-schema.js'
import { spellings } from '../../src/manual/command-line.js'
import { faults } from '../../src/ports/fault.js'
import { kinds } from '../../src/registry.js'
import { describedProgram } from '../support/program.js'

const line = describedProgram()
const written = referenceText(line)
const file = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

describe('docs/reference.md', () => {
  it('is what the code says: else `npm run build`', () => {
    expect(file('docs/reference.md')).toBe(written)
  })

  it('has every key of the plan, once a table', () => {
    const keys = new Set(keysOf(planJsonSchema(kinds)))
    // Where secrets stand, one table says what they may be.
    for (const key of ['env', 'file', 'command', 'column', 'prompt', 'csv']) keys.delete(key)
    for (const key of ['source', 'targets', 'deleteAfter']) keys.delete(key)
    expect(written).toContain('`{ deleteAfter: … }`')
    expect(keys.size).toBeGreaterThan(50)
    for (const key of keys) expect(written).toMatch(new RegExp(`^\\| \`(?:\\w+\\.)*${key}\` \\|`, 'm'))
  })

  it('has every option and every code, with something said of it', () => {
    for (const option of line.commands.flatMap(({ options }) => options)) {
      expect(written).toContain(`| \`${spellings(option).join(', ')}`)
    }
    for (const code of Object.keys(faults)) expect(written).toMatch(new RegExp(`^\\| \`${code}\` \\| \\w+ \\|`, 'm'))
    expect(written).not.toMatch(/undefined|\[object/)
    expect(written).toMatch(/^\| `auth` \| `auto`, `user`, .* \| `auto` \| /m)
  })
})

it('the table of exit codes in the README says the same', () => {
  const rows = [...file('README.md').matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)].map(([, code, text]) => [
    Number(code),
    text,
  ])
  expect(rows).toEqual(exitCodeList.filter(([code]) => code < 100))
})

/** Every name of a property, wherever. */
function keysOf(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties = {} } = schema as { readonly properties?: object }
  return [...Object.keys(properties), ...Object.values(schema).flatMap(keysOf)]
}
