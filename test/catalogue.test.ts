import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { testTitles } from './support/test-titles.js'

/** The numbered quirks of servers, messages, disks and people: the highest number of each kind, none is left out. */
const catalogue: Readonly<Record<string, number>> = {
  ...{ CON: 13, CAP: 9, TLS: 12, AUT: 15, LST: 22, RET: 28, SES: 13, DEL: 11, PRV: 10 },
  ...{ MSG: 10, APP: 25, MBX: 11, MDR: 10, ZIP: 7, FS: 15, PRC: 13, SEC: 11, YML: 14 },
}

const idOf = (kind: string, number: number): string => `${kind}-${String(number).padStart(2, '0')}`
const all = Object.entries(catalogue).flatMap(([kind, highest]) =>
  Array.from({ length: highest }, (_, index) => idOf(kind, index + 1)),
)

/** The ids in a text; `RET-01 to RET-03` are three. */
function idsIn(text: string): readonly string[] {
  const kinds = Object.keys(catalogue).join('|')
  const one = new RegExp(`\\b(${kinds})-(\\d\\d)(?: to \\1-(\\d\\d))?(?!\\d)`, 'g')
  return [...text.matchAll(one)].flatMap(([, kind = '', first, last = first]) => {
    const numbers = Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index)
    return numbers.map((number) => idOf(kind, number))
  })
}

const here = fileURLToPath(new URL('.', import.meta.url))

function titles(): readonly string[] {
  const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  const tests = files.filter((name) => name.endsWith('.test.ts') || /^contract[\\/].*\.ts$/.test(name))
  return tests
    .filter((name) => name !== 'catalogue.test.ts')
    .map((name) => readFileSync(join(here, name), 'utf8'))
    .filter((source) => idsIn(source).length > 0)
    .flatMap(testTitles)
}

/** The first column of the table, with what it says of each. */
function excused(): ReadonlyMap<string, string> {
  const text = readFileSync(new URL('../docs/RELIABILITY.md', import.meta.url), 'utf8')
  const [, section = ''] = text.split('## Quirks without a test of their own\n')
  const rows = section.matchAll(/^\| ([A-Z]+-\d+) +\| (\S.*?) +\| (\S.*?) +\|$/gm)
  return new Map([...rows].map(([, id = '', , why = '']) => [id, why]))
}

describe('the catalogue of quirks', () => {
  const tested = new Set(titles().flatMap(idsIn))
  const without = excused()

  it('has a test with its id in the title for each, or a reason in docs/RELIABILITY.md', () => {
    expect(all.filter((id) => !tested.has(id) && !without.has(id))).toEqual([])
  })

  it('has no reason for what has a test, nor any number that is not in it', () => {
    expect([...without.keys()].filter((id) => tested.has(id) || !all.includes(id))).toEqual([])
    expect([...tested].filter((id) => !all.includes(id))).toEqual([])
  })
})

describe('the titles of tests', () => {
  it.each<[string, string, readonly string[]]>([
    ['a title', `it('a RET-01', () => { expect('RET-02').toBe(1) }) // RET-03`, ['a RET-01']],
    ['a template', 'describe(`x ${name} RET-01`, () => undefined)', ['x  RET-01']],
    ['what is skipped at times', `describe.skipIf(yes)('a', () => { it.runIf(no)('b', go) })`, ['a', 'b']],
    ['rows', `it.each([['RET-01 a', 1], ['b', 'RET-02']] as const)('%s (%i)', go)`, ['RET-01 a ()', 'b (RET-02)']],
    ['rows without their other columns', `test.each([['a', 'RET-01']])('%s!', go)`, ['a!']],
    ['objects', `it.each([{ name: 'RET-01', other: 'RET-02' }])('$name', go)`, ['RET-01']],
    ['a list of texts', `it.for(['a', 'b'])('of %s', go)`, ['of a', 'of b']],
    ['a constant, spread', `const r = [['a']]; it.each([...r, ['b']])('%s', go)`, ['a', 'b']],
    ['the constant that counts', `{ const r = ['a']; it.each(r)('%s', go) } { const r = ['b'] }`, ['a']],
    ['rows that a call makes', `it.each(made())('RET-01 %s', go)`, ['RET-01 %s']],
    ['nothing else', `skip('RET-01', go); /x/.test('RET-02')`, []],
  ])('are those of %s', (_, source, expected) => {
    expect(testTitles(source)).toEqual(expected)
  })

  it.each<[string, readonly string[]]>([
    ['RET-01, CON-05 (QUIRKS FS-07)', ['RET-01', 'CON-05', 'FS-07']],
    ['RET-01 to RET-03', ['RET-01', 'RET-02', 'RET-03']],
    ['UTF-16 SHA-256 RET-7 RET-001 XRET-01', []],
  ])('name in %j the ids %j', (text, expected) => {
    expect(idsIn(text)).toEqual(expected)
  })
})
