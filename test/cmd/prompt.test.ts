import { expect, it } from 'vitest'
import { terminalPrompt } from '../../cmd/prompt.js'

it('SEC-10 there is nobody to ask where stdin is no terminal', () => {
  expect(process.stdin.isTTY).toBeFalsy()
  expect(terminalPrompt(new AbortController().signal)).toBeUndefined()
})
