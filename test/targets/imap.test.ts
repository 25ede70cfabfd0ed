import { afterAll } from 'vitest'
import { describeTarget } from '../contract/target.js'
import { imapHarness } from './imap-place.js'

const harness = imapHarness()
afterAll(async () => {
  await harness[Symbol.asyncDispose]()
})
describeTarget('IMAP', harness)
