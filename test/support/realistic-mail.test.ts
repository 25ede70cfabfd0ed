import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { realisticMail } from './realistic-mail.js'

const mail = [...realisticMail(2_100, 1939)]
const digests = mail.map((bytes) => createHash('sha256').update(bytes).digest('hex'))

it('makes as many messages as asked for, from 200 octets to 20 MB, most of them small', () => {
  const sizes = mail.map(({ length }) => length).toSorted((a, b) => a - b)
  expect(mail).toHaveLength(2_100)
  expect(sizes.filter((size) => size >= 190 && size <= 210).length).toBeGreaterThan(0)
  expect(sizes.at(-1)).toBeGreaterThanOrEqual(20_000_000)
  expect(sizes[1_050]).toBeLessThan(1_500)
  expect(sizes.filter((size) => size > 20_000).length).toBeGreaterThan(40)
})

it('makes the same for the same seed, and other messages for another', () => {
  const again = Array.from(realisticMail(400, 1939), (bytes) => createHash('sha256').update(bytes).digest('hex'))
  expect(again).toEqual(digests.slice(0, 400))
  const other = Array.from(realisticMail(400, 1940), (bytes) => createHash('sha256').update(bytes).digest('hex'))
  expect(other.slice(310)).not.toEqual(digests.slice(310, 400))
})

it.each<[string, number, (text: string) => boolean]>([
  ['8-bit text', 200, (text) => /[\x80-\xff]/.test(text)],
  ['NUL', 50, (text) => text.includes('\0')],
  ['bare line feeds', 100, (text) => /(?<!\r)\n/.test(text)],
  ['lone carriage returns', 100, (text) => /\r(?!\n)/.test(text)],
  ['no final line end', 100, (text) => !text.endsWith('\n')],
  ['lines that begin with From', 100, (text) => text.includes('\nFrom ')],
  ['lines that begin with a quoted From', 100, (text) => text.includes('\n>From ')],
  ['lines that begin with dots', 100, (text) => text.includes('\r\n.')],
  ['ISO-2022-JP', 100, (text) => /\x1b\$B.*\x1b\(B/.test(text)],
])('has messages with %s', (_, atLeast, has) => {
  expect(mail.filter((bytes) => has(bytes.toString('latin1', 0, 100_000))).length).toBeGreaterThanOrEqual(atLeast)
})

it('has exact duplicates', () => {
  expect(digests.length - new Set(digests).size).toBeGreaterThan(20)
})
