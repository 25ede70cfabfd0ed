import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { asFault } from '../../src/ports/fault.js'

it('takes what the file system says for a fault of the disk, not for a bug', async () => {
  const error: unknown = await readFile('/nowhere/at/all').catch((reason: unknown) => reason)
  expect(asFault(error)).toMatchObject({ code: 'io', message: expect.stringContaining('/nowhere/at/all') as string })
  expect(asFault(new TypeError('undefined is not a function'))).toMatchObject({ code: 'internal' })
})

it('takes a program that cannot be started for no fault of the disk', async () => {
  const error: unknown = await promisify(execFile)('/nowhere/at/all').catch((reason: unknown) => reason)
  expect(asFault(error)).toMatchObject({ code: 'internal' })
})
