import { describe, expect, test } from 'vitest'
import { fillTemplate, pathComponentProblem } from '../../src/plan/template.js'

const values = new Map<string, string | undefined>([
  ['account', '{user}'],
  ['user', 'alice'],
  ['host', undefined],
])

describe('fillTemplate', () => {
  test.each([
    ['mail/{user}', 'mail/alice'],
    ['{user}{user}', 'alicealice'],
    ['no placeholder', 'no placeholder'],
    ['a } b { c', 'a } b { c'],
    // A value is never expanded again.
    ['{account}', '{user}'],
    // The host is in error elsewhere.
    ['{user}@{host}', '{user}@{host}'],
  ])('%s', (template, text) => {
    expect(fillTemplate(template, values)).toEqual({ text })
  })

  test('an unknown placeholder gets the nearest known one, and is not repeated', () => {
    expect(fillTemplate('x/{Acount}', values)).toEqual({
      problem: 'unknown placeholder; expected {account}, {user} or {host}',
      hint: 'did you mean `account`?',
    })
  })

  test('a value that cannot stand in its place', () => {
    expect(fillTemplate('{user}', new Map([['user', '../x']]), pathComponentProblem)).toEqual({
      problem: 'the value of {user} cannot stand here: it contains a slash or backslash',
      name: 'user',
    })
  })
})

test.each([['a/b'], ['a\\b'], ['.hidden'], ['..'], ['a\u0000b'], ['a\u0085b'], ['']])(
  '%j is no path component',
  (value) => {
    expect(pathComponentProblem(value)).toBeDefined()
  },
)

test.each([['alice@old.example'], ['a b'], ['*'], ['büro'], ['a..b']])('%j is a path component', (value) => {
  expect(pathComponentProblem(value)).toBeUndefined()
})
