import { createHash } from 'node:crypto'
import { realisticMail } from '../support/realistic-mail.js'

/** Messages of a mean of 10 KB, the same in every run: most are short, some are ten times as long. */
export function* smallMessages(count: number, first = 0): Iterable<Buffer> {
  for (let index = first; index < first + count; index++) {
    const noise = createHash('sha256').update(`message ${index}`).digest()
    // Exponential with a mean of 9.6 KB, and a header.
    yield letter(index, Math.min(80_000, exponential(noise, 9600)), '\r\n')
  }
}

/** Messages of one size. */
export function* messagesOf(size: number, count: number): Iterable<Buffer> {
  for (let index = 0; index < count; index++) yield letter(index, size - 280, '\r\n')
}

/**
 * Mail of many years with its oddities, of which one in thirteen has an attachment: 2,000 of them are 146 MB, half are
 * below 1 KB and the longest has 20 MB.
 */
export function* realisticMessages(count: number): Iterable<Buffer> {
  const others = realisticMail(count, 1939)
  for (let index = 0; index < count; index++) {
    const next = index % 13 === 12 ? undefined : others.next()
    yield next && next.done !== true ? next.value : attached(index)
  }
}

function attached(index: number): Buffer {
  const noise = createHash('sha256').update(`attachment ${index}`).digest()
  const part = [
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="next"',
    '',
    '--next',
    'Content-Type: text/plain',
    '',
    'See the attachment.',
    '--next',
    `Content-Type: application/octet-stream; name="${index}.bin"`,
    'Content-Transfer-Encoding: base64',
    '',
    '',
  ].join('\r\n')
  return letter(index, Math.min(8_000_000, exponential(noise, 722_000)), part, '--next--\r\n')
}

function letter(index: number, size: number, head: string, tail = ''): Buffer {
  const noise = createHash('sha256').update(`message ${index}`).digest()
  const line = `${noise.toString('base64')}${noise.toString('hex').slice(0, 32)}\r\n`
  const header = [
    `Received: from mx.example by mail.example; Tue, 02 Jan 2024 10:${String(index % 60).padStart(2, '0')}:00 +0000`,
    'From: Ann <ann@example.org>',
    'To: Bob <bob@example.org>',
    `Subject: message ${index}`,
    `Message-ID: <${index}@example.org>`,
    'Date: Tue, 02 Jan 2024 10:00:00 +0000',
    '',
  ].join('\r\n')
  return Buffer.from(header + head + line.repeat(Math.max(1, Math.ceil(size / line.length))) + tail)
}

function exponential(noise: Buffer, mean: number): number {
  return -mean * Math.log(1 - noise.readUInt32BE(0) / 2 ** 32)
}
