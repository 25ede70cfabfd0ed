import { describe, expect, it } from 'vitest'
import { exitCode, exitCodes, faultExitCode, signalExitCode } from '../../cmd/exit-code.js'
import type { AccountResult } from '../../src/app/migrate.js'
import { Fault, type FaultCode, faults } from '../../src/ports/fault.js'
import { noCounts } from '../../src/ports/event.js'

const { done, internal, usage, incomplete, held, later, interrupted, terminated } = exitCodes

function account(codes: readonly FaultCode[], mismatched = 0): AccountResult {
  const faults = codes.map((code) => new Fault(code, 'it broke'))
  return { account: 'a', status: codes.length > 0 ? 'incomplete' : 'ok', counts: noCounts, faults, mismatched }
}

function outcome(accounts: readonly AccountResult[], stopped = false) {
  return { accounts, counts: noCounts, interrupted: stopped, seconds: 1 }
}

describe('PRC-10 the exit code of a fault', () => {
  const own = new Map<FaultCode, number>([
    ['internal', internal],
    ['plan-conflict', usage],
    ['held', held],
  ])

  it.each(Object.keys(faults) as FaultCode[])('%s', (code) => {
    const byTable = faults[code].transient ? later : incomplete
    expect(faultExitCode(new Fault(code, 'it broke'))).toBe(own.get(code) ?? byTable)
  })

  it.each<[FaultCode, number]>([
    ['unreachable', 75],
    ['locked', 75],
    ['throttled', 75],
    ['auth-failed', 3],
    ['certificate', 3],
    ['target-gone', 3],
    ['retr-refused', 3],
    ['held', 4],
    ['internal', 1],
    ['plan-conflict', 2],
  ])('CONTRACT: %s is %d', (code, expected) => {
    expect(faultExitCode(new Fault(code, 'it broke'))).toBe(expected)
  })
})

describe('the exit code of a run', () => {
  it.each<[string, readonly (readonly FaultCode[])[], number]>([
    ['nothing failed', [[], []], done],
    ['reasons that pass', [['unreachable'], []], later],
    ['for good beats what passes', [['unreachable'], ['auth-failed']], incomplete],
    ['for good and passing in one account', [['unreachable', 'retr-refused']], incomplete],
    ['a held target', [['held'], []], held],
    ['a held target beats what passes', [['held'], ['timeout']], held],
    ['for good beats a held target', [['held'], ['auth-failed']], incomplete],
    ['a bug beats everything', [['internal'], ['auth-failed'], ['unreachable']], internal],
  ])('PRC-11 %s', (_, codes, expected) => {
    expect(exitCode(outcome(codes.map((list) => account(list))), undefined)).toBe(expected)
  })

  it('a short message makes the run incomplete although it was copied', () => {
    expect(exitCode(outcome([account([], 1)]), undefined)).toBe(incomplete)
  })

  it.each([
    ['SIGINT', interrupted],
    ['SIGTERM', terminated],
    ['SIGHUP', terminated],
    [undefined, terminated],
  ] as const)('PRC-01 %s beats what failed, but no bug', (signal, expected) => {
    expect(signalExitCode(signal)).toBe(expected)
    expect(exitCode(outcome([account(['auth-failed'])], true), signal)).toBe(expected)
    expect(exitCode(outcome([account(['internal'])], true), signal)).toBe(internal)
  })
})
