import { expect, it } from 'vitest'
import { painter, type Tone } from '../../src/reporters/style.js'

it.each<[Tone, string]>([
  ['good', '\u001b[32mdone\u001b[39m'],
  ['warning', '\u001b[33mdone\u001b[39m'],
  ['bad', '\u001b[31mdone\u001b[39m'],
  ['plain', 'done'],
])('%s: coloured where wanted, else as it is', (tone, coloured) => {
  expect(painter(true)(tone, 'done')).toBe(coloured)
  expect(painter(false)(tone, 'done')).toBe('done')
})
