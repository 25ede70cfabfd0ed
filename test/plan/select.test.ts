import { expect, test } from 'vitest'
import { NoSuchAccount, selectAccounts } from '../../src/plan/select.js'
import { goodPlan } from './support.js'

const plan = goodPlan(`version: 1
defaults:
  source: { host: pop.example, password: { env: PW } }
  targets: [{ type: maildir, path: "{account}" }]
accounts:
  - source: { user: alice }
  - source: { user: bob@x.example }
  - source: { user: bert@x.example }
  - source: { user: "a*b" }
`)

test.each<[readonly string[], readonly string[]]>([
  [[], ['alice', 'bob@x.example', 'bert@x.example', 'a*b']],
  [['alice'], ['alice']],
  [
    ['b*', 'alice'],
    ['alice', 'bob@x.example', 'bert@x.example'],
  ],
  [['*@x.*'], ['bob@x.example', 'bert@x.example']],
  [['b*t@*e'], ['bert@x.example']],
  [['*'], ['alice', 'bob@x.example', 'bert@x.example', 'a*b']],
  [['a*b'], ['a*b']],
])('%j', (patterns, names) => {
  expect(selectAccounts(plan, patterns).map(({ name }) => name)).toEqual(names)
})

test.each([['alic'], ['alice*alice'], ['ALICE'], ['bob'], ['']])('%j selects nothing, which is an error', (pattern) => {
  expect(() => selectAccounts(plan, ['alice', pattern])).toThrow(NoSuchAccount)
})
