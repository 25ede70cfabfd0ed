import { describe, expect, it } from 'vitest'
import { type Candidate, recognise } from '../../src/app/enrol.js'
import { Fault } from '../../src/ports/fault.js'
import type { KnownAccount } from '../../src/ports/ledger.js'

const known: readonly KnownAccount[] = [
  {
    account: 'alice',
    host: 'pop.example',
    user: 'a@x',
    lanes: [
      { target: 'maildir', place: 'maildir:/m/alice', receipts: 3 },
      { target: 'mbox', place: 'mbox:/m/alice.mbox', receipts: 3 },
      { target: 'empty', place: 'mbox:/m/empty', receipts: 0 },
    ],
  },
]

const alice: Candidate = { name: 'alice', host: 'pop.example', user: 'a@x', targets: [] }
const maildir = { name: 'maildir', place: 'maildir:/m/alice' }

function lanesOf(...targets: Candidate['targets']): unknown {
  return recognise([{ ...alice, targets }], known).enrolments[0]?.lanes
}

function conflictOf(candidate: Candidate, among = known): string {
  try {
    recognise([candidate], among)
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    expect((error as Fault).code).toBe('plan-conflict')
    return (error as Fault).message
  }
  throw new Error('no conflict')
}

describe('accounts under other names', () => {
  it('takes a new account as new', () => {
    const bob = { ...alice, name: 'bob', user: 'b@x' }
    expect(recognise([bob], known).enrolments).toEqual([
      { account: 'bob', host: 'pop.example', user: 'b@x', lanes: [] },
    ])
  })

  it('refuses a known maildrop under a new name and says what to write', () => {
    expect(conflictOf({ ...alice, name: 'alicia' })).toContain('`previously: alice`')
  })

  it('takes another port of a host for another server, and a server that moved to one for the same', () => {
    const tunnel = { ...alice, name: 'tunnel', host: `${alice.host}:1102` }
    expect(recognise([tunnel], known).enrolments[0]).not.toHaveProperty('was')
    expect(recognise([{ ...alice, host: `${alice.host}:1102` }], known).warnings).toEqual([])
  })

  it('refuses account names that were exchanged: each maildrop would count as the other', () => {
    const bob = { account: 'bob', host: 'pop.example', user: 'b@x', lanes: [] }
    const conflict = conflictOf({ ...alice, user: bob.user }, [...known, bob])
    expect(conflict).toContain('known as account "bob"')
    expect(conflict).toContain('names that are new')
  })

  it('renames an account with previously', () => {
    const renamed = { ...alice, name: 'alicia', previously: 'alice' }
    expect(recognise([renamed], known).enrolments[0]).toMatchObject({ account: 'alicia', was: 'alice' })
  })

  it('does nothing for a previously that was already carried out', () => {
    expect(recognise([{ ...alice, previously: 'alicia' }], known).enrolments[0]).not.toHaveProperty('was')
  })

  it.each([{ host: 'new.example' }, { user: 'alice' }])(
    'keeps the records when only %o changed, with a warning',
    (to) => {
      const { enrolments, warnings } = recognise([{ ...alice, ...to }], known)
      expect(enrolments[0]).toMatchObject({ account: 'alice', ...to })
      expect(warnings).toMatchObject([{ account: 'alice', code: 'maildrop-changed' }])
    },
  )

  it('refuses a name that now means another host and another user', () => {
    expect(conflictOf({ ...alice, host: 'new.example', user: 'someone@else' })).toContain('new account name')
  })
})

describe('targets under other names', () => {
  it('keeps a lane at its place', () => {
    expect(lanesOf(maildir)).toEqual([{ target: 'maildir', place: 'maildir:/m/alice' }])
  })

  it('renames a lane whose place is known under another name', () => {
    expect(lanesOf({ name: 'archive', place: 'maildir:/m/alice' })).toEqual([
      { target: 'archive', place: 'maildir:/m/alice', was: 'maildir' },
    ])
  })

  it('follows two targets that swapped their names', () => {
    const lanes = lanesOf({ name: 'mbox', place: 'maildir:/m/alice' }, { name: 'maildir', place: 'mbox:/m/alice.mbox' })
    expect(lanes).toEqual([
      { target: 'mbox', place: 'maildir:/m/alice', was: 'maildir' },
      { target: 'maildir', place: 'mbox:/m/alice.mbox', was: 'mbox' },
    ])
  })

  it('refuses a known name at a new place and says what to write', () => {
    expect(conflictOf({ ...alice, targets: [{ name: 'maildir', place: 'maildir:/elsewhere' }] })).toContain(
      '`previously: maildir`',
    )
  })

  it('moves a lane with previously', () => {
    expect(lanesOf({ name: 'maildir', previously: 'maildir', place: 'maildir:/elsewhere' })).toEqual([
      { target: 'maildir', place: 'maildir:/elsewhere' },
    ])
    expect(lanesOf({ name: 'new', previously: 'maildir', place: 'maildir:/elsewhere' })).toEqual([
      { target: 'new', place: 'maildir:/elsewhere', was: 'maildir' },
    ])
  })

  it('lets a lane without receipts go anywhere', () => {
    expect(lanesOf({ name: 'empty', place: 'mbox:/elsewhere' })).toEqual([
      { target: 'empty', place: 'mbox:/elsewhere' },
    ])
  })

  it('names every conflict at once', () => {
    const two = { ...alice, name: 'x', targets: [] }
    expect(() => recognise([two, { ...two, name: 'y' }], known)).toThrow(/"x"[^]*"y"/)
  })
})
