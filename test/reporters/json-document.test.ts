import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { jsonReporter } from '../../src/reporters/json.js'
import { flagTexts } from '../../src/reporters/words.js'
import { collected, everyEvent } from './events.js'

const document = readFileSync(new URL('../../docs/json.md', import.meta.url), 'utf8')
const examples = document
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line) as Record<string, unknown>)

/** What the program prints of each type. */
function printed(): readonly Record<string, unknown>[] {
  const output = collected()
  const reporter = jsonReporter(output, { now: () => 0 })
  for (const event of Object.values(everyEvent)) reporter.on(event)
  return output.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

const types = new Map(printed().map((line) => [String(line['type']), Object.keys(line)]))

/** The row of a type's table. */
function row(type: string): string {
  return document.split('\n').find((line) => line.startsWith(`| \`${type}\``)) ?? ''
}

/** Explained once for all types. */
const shared = ['type', 'time', 'code', 'transient', 'error', 'hint']
const counts = [
  'listed',
  'copied',
  'present',
  'filtered',
  'failed',
  'vanished',
  'pending',
  'reidentified',
  'deleted',
  'bytes',
]

describe('docs/json.md', () => {
  it.each([...types])('names %s and its fields', (type, fields) => {
    expect(row(type)).not.toBe('')
    for (const field of fields) {
      const explained = shared.includes(field) || ('counts' in everyEvent[type as 'retry'] && counts.includes(field))
      expect(explained ? document : row(type)).toContain(`\`${field}\``)
    }
  })

  it('has no type and no field that is not printed', () => {
    const rows = [...document.matchAll(/^\| `([a-z.]+)` +\|.*\|(.*)\|$/gm)].filter(
      // The other commands print theirs by themselves.
      ([, type]) => !/^(?:check|status|verify)\./.test(type ?? ''),
    )
    expect(rows.map(([, type]) => type).toSorted()).toEqual([...types.keys()].toSorted())
    for (const [, type = '', cell = ''] of rows) {
      for (const [, name = ''] of cell.matchAll(/`(\w+)`/g)) {
        if (name !== 'ok') expect(types.get(type)).toContain(name)
      }
    }
  })

  it.each(Object.keys(flagTexts))('names the flag %s', (flag) => {
    expect(document).toContain(`\`${flag}\``)
  })

  it('shows lines as they are printed: the same fields in the same order', () => {
    expect(examples.map(({ type }) => type)).toContain('run.finished')
    for (const example of examples) {
      const optional = example['type'] === 'message.failed' ? ['target'] : []
      const fields = types.get(String(example['type']))?.filter((field) => !optional.includes(field))
      expect(Object.keys(example)).toEqual(fields)
    }
  })
})
