import { expect, it } from 'vitest'
import { usesColour } from '../../cmd/streams.js'

it.each([
  ['a terminal', { wanted: true, isTerminal: true, env: {} }, true],
  ['a pipe', { wanted: true, isTerminal: false, env: {} }, false],
  ['--no-color', { wanted: false, isTerminal: true, env: { FORCE_COLOR: '1' } }, false],
  ['NO_COLOR', { wanted: true, isTerminal: true, env: { NO_COLOR: '1' } }, false],
  ['an empty NO_COLOR does not count', { wanted: true, isTerminal: true, env: { NO_COLOR: '' } }, true],
  ['FORCE_COLOR into a pipe', { wanted: true, isTerminal: false, env: { FORCE_COLOR: '1' } }, true],
  ['an empty FORCE_COLOR counts', { wanted: true, isTerminal: false, env: { FORCE_COLOR: '' } }, true],
  ['FORCE_COLOR=0', { wanted: true, isTerminal: true, env: { FORCE_COLOR: '0' } }, false],
  ['FORCE_COLOR=false', { wanted: true, isTerminal: true, env: { FORCE_COLOR: 'false' } }, false],
  ['FORCE_COLOR beats NO_COLOR', { wanted: true, isTerminal: false, env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, true],
  ['a dumb terminal', { wanted: true, isTerminal: true, env: { TERM: 'dumb' } }, false],
])('colour: %s', (_, facts, expected) => {
  expect(usesColour(facts)).toBe(expected)
})
