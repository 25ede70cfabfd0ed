import { createHash } from 'node:crypto'

/** Messages of a mean of 10 KB, the same in every run: most are short, some are ten times as long. */
export function* smallMessages(count: number): Iterable<Buffer> {
  for (let index = 0; index < count; index++) {
    const noise = createHash('sha256').update(`message ${index}`).digest()
    // Exponential with a mean of 9.6 KB, and a header.
    const size = Math.min(80_000, -9600 * Math.log(1 - noise.readUInt32BE(0) / 2 ** 32))
    const line = `${noise.toString('base64')}${noise.toString('hex').slice(0, 32)}\r\n`
    const header = [
      `Received: from mx.example by mail.example; Tue, 02 Jan 2024 10:${String(index % 60).padStart(2, '0')}:00 +0000`,
      'From: Ann <ann@example.org>',
      'To: Bob <bob@example.org>',
      `Subject: message ${index}`,
      `Message-ID: <${index}@example.org>`,
      'Date: Tue, 02 Jan 2024 10:00:00 +0000',
      '',
      '',
    ].join('\r\n')
    yield Buffer.from(header + line.repeat(Math.ceil(size / line.length)))
  }
}
