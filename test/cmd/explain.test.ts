import { describe, expect, it } from 'vitest'
import { explain } from '../../cmd/explain.js'
import { Refusal } from '../../cmd/refusal.js'
import { Fault } from '../../src/ports/fault.js'
import { collected, hostile, unsafe } from '../reporters/events.js'

function explained(error: unknown): { readonly code: number; readonly lines: readonly string[] } {
  const output = collected()
  const code = explain(error, output)
  return { code, lines: output.lines }
}

describe('what ended a command', () => {
  it('a refusal: its lines, one for each thing that is wrong', () => {
    const place = { file: 'migrate.yaml', line: 3 }
    const refusal = Refusal.ofPlan([
      { ...place, column: 5, message: 'unknown key', hint: 'did you mean `user`?' },
      { ...place, column: 9, message: 'expected text' },
    ])
    expect(explained(refusal)).toEqual({
      code: 2,
      lines: ['migrate.yaml:3:5: unknown key; did you mean `user`?', 'migrate.yaml:3:9: expected text'],
    })
  })

  it('a conflict: every line of it, without advice to change the plan as said', () => {
    expect(explained(new Fault('plan-conflict', 'write `previously: a`\nwrite `previously: b`'))).toEqual({
      code: 2,
      lines: ['popferry: write `previously: a`', 'popferry: write `previously: b`'],
    })
  })

  it.each([
    [new Fault('held', 'process 7 holds it'), 4, 'popferry: process 7 holds it — wait for it to end, or stop it'],
    [
      new Fault('ledger-damaged', 'torn'),
      3,
      expect.stringMatching(
        /^popferry: torn — restore ledger\.db and ledger\.sha256 from a backup; without one, .*--adopt/,
      ) as string,
    ],
  ])('a fault: %s', (fault, code, line) => {
    expect(explained(fault)).toEqual({ code, lines: [line] })
  })

  it('PRC-08 a bug: says that it is one, and where', () => {
    const { code, lines } = explained(new TypeError('x is not a function'))
    expect(code).toBe(1)
    expect(lines[0]).toBe('popferry: internal error: x is not a function — this is a bug in popferry: please report it')
    expect(lines[1]).toMatch(/^ {4}at .*explain\.test\.ts:\d+/)
    expect(lines.length).toBeLessThanOrEqual(9)
  })

  it.each([['a string'], [undefined], [null]])('whatever was thrown: %s', (thrown) => {
    expect(explained(thrown)).toMatchObject({ code: 1, lines: [expect.stringContaining(String(thrown))] })
  })

  it.each<[string, unknown]>([
    ['a refusal', new Refusal([hostile])],
    ['a conflict', new Fault('plan-conflict', hostile)],
    ['a fault', new Fault('held', hostile)],
    ['a bug', new Error(hostile)],
  ])('CON-06 escapes %s', (_, error) => {
    const { lines } = explained(error)
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line).not.toMatch(unsafe)
  })

  it('names long paths in full, but does not flood', () => {
    const path = 'x'.repeat(1500)
    expect(explained(new Refusal([path])).lines).toEqual([path])
    expect(explained(new Refusal(['x'.repeat(100_000)])).lines[0]?.length).toBeLessThan(2100)
  })
})
