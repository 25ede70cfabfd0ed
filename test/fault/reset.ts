import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { readMaildir, readMboxrd, type TempFolder } from '../support/rig.js'
import { messagesOf } from '../support/zip.js'

/** Messages with ids made from a prefix. */
export function withIds(prefix: string, bodies: readonly string[] = fiftyBodies): SampleMessage[] {
  return bodies.map((body, index) => memoryMessage(`${prefix}${index}`, Buffer.from(body, 'latin1')))
}

/** Some of them are twins. */
export const fiftyBodies: readonly string[] = Array.from({ length: 50 }, (_, index) => {
  const word = index % 10 === 0 ? 'twin' : `number ${index}`
  return `Message-ID: <${word}@example>\r\nSubject: ${word}\r\n\r\nText of ${word}.\r\n`
})

/** Two of them are twins. */
export const eightBodies = fiftyBodies
  .slice(3, 11)
  .concat(fiftyBodies[0] ?? '')
  .slice(1)

/** A multipart message with the boundary that a server has just invented. */
export function multipart(index: number, boundary: string): string {
  return [
    `Message-ID: <${index}@example>\r\nSubject: number ${index}\r\n`,
    `Content-Type: multipart/mixed;\r\n boundary="${boundary}"\r\n\r\n`,
    `--${boundary}\r\n\r\nText of ${index}.\r\n--${boundary}--\r\n`,
  ].join('')
}

const digests = (bodies: Iterable<string | Uint8Array>): string[] =>
  Array.from(bodies, (body) => createHash('sha256').update(body).digest('hex')).sort()

/** These messages, and no other, stand at all targets, each once. */
export async function requireStored(folder: TempFolder, bodies: readonly string[]): Promise<void> {
  const stored = digests(bodies.map((body) => body.replaceAll('\r\n', '\n')))
  expect(digests((await readMaildir(folder.at('maildir'))).map(({ bytes }) => bytes))).toEqual(stored)
  expect(digests((await readMboxrd(folder.at('mbox'))).map(({ bytes }) => bytes))).toEqual(stored)
  expect(digests((await messagesOf(folder.at('zips', 'mail.zip'))).map(({ bytes }) => bytes))).toEqual(digests(bodies))
}
