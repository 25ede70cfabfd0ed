import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitWords } from '../../src/plan/words.js'

test.each<[string, readonly string[] | undefined]>([
  ['pass show mail/alice', ['pass', 'show', 'mail/alice']],
  ['  a   b  ', ['a', 'b']],
  [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
  [`a'b'"c"d`, ['abcd']],
  [`'' ""`, ['', '']],
  [`'a\\b' "\\$\\"\\\\\\n"`, ['a\\b', '$"\\\\n']],
  ['a\\ b \\"', ['a b', '"']],
  ['echo $HOME | sed *.c ; ~ # `x`', ['echo', '$HOME', '|', 'sed', '*.c', ';', '~', '#', '`x`']],
  ['', []],
  [`a 'b`, undefined],
  ['a "b', undefined],
  ['a "b\\"', undefined],
  ['a\\', undefined],
])('%j', (command, words) => {
  expect(splitWords(command)).toEqual(words)
})

test('any words come back from single quotes', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
      expect(splitWords(command)).toEqual(words)
    }),
  )
})
