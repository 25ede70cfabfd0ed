import { afterAll, describe, expect, it } from 'vitest'
import { AttachmentReader, type Attachments } from '../../src/mail/attachments.js'
import { MimeStructure } from '../../src/mail/structure.js'
import { sampleMailbox } from '../../src/sample/mailbox.js'
import { signal } from '../support/lane-loop.js'
import { oddMail } from '../support/mail.js'

const reader = new AttachmentReader(signal)
afterAll(async () => {
  await reader[Symbol.asyncDispose]()
})

async function attachmentsOf(message: string | Buffer, one = reader): Promise<Attachments> {
  const structure = new MimeStructure()
  structure.write(typeof message === 'string' ? Buffer.from(message.replaceAll('\n', '\r\n')) : message)
  return one.read(structure)
}

function parts(...headers: readonly string[]): string {
  return `Content-Type: multipart/mixed; boundary=b\n\n${headers.map((header) => `--b\n${header}\n\nZm9v\n`).join('')}--b--\n`
}

describe('attachments', () => {
  it.each([
    ['a plain name', 'Content-Type: application/pdf; name="a b.pdf"', ['a b.pdf']],
    [
      'the disposition before the type',
      'Content-Type: x/y; name=a\nContent-Disposition: attachment; filename=b',
      ['b'],
    ],
    ['RFC 2231', "Content-Disposition: attachment; filename*=utf-8''%e5%88%87%e7%ac%a6.pdf", ['切符.pdf']],
    [
      'RFC 2231 in pieces',
      "Content-Disposition: attachment;\n filename*0*=utf-8''%e5%88;\n filename*1*=%87.pdf",
      ['切.pdf'],
    ],
    ['encoded words', 'Content-Disposition: attachment; filename="=?utf-8?B?5YiH56ymLnBkZg==?="', ['切符.pdf']],
    ['Shift_JIS', "Content-Disposition: attachment; filename*=shift_jis''%82%b1.txt", ['こ.txt']],
    ['an inline text without a name', 'Content-Type: text/plain', []],
    ['a type where there is no name', 'Content-Type: application/pgp-signature', ['application/pgp-signature']],
    ['a forwarded message', 'Content-Type: message/rfc822', ['message/rfc822']],
    ['an unknown charset', 'Content-Disposition: attachment; filename="=?nonsense?Q?a?="', ['a']],
  ])('have names from %s', async (_, header, names) => {
    expect(await attachmentsOf(parts(header))).toEqual({ names, complete: true })
  })

  it('come in their order, from nested parts as well', async () => {
    const inner =
      'Content-Type: multipart/related; boundary=c\n\n--c\nContent-Type: image/png\nContent-ID: <x>\n\n--c\nContent-Type: image/gif; name=y.gif\n\n--c--'
    const message = parts(
      'Content-Type: application/zip; name=first.zip',
      inner,
      'Content-Disposition: attachment; filename=last',
    )
    expect(await attachmentsOf(message)).toEqual({ names: ['first.zip', 'y.gif', 'last'], complete: true })
  })

  it('of a message that is one', async () => {
    expect(await attachmentsOf('Content-Type: application/pdf; name=scan.pdf\n\nx')).toMatchObject({
      names: ['scan.pdf'],
    })
    expect(
      await attachmentsOf('Content-Type: text/plain\nContent-Disposition: attachment; filename=log\n\nx'),
    ).toMatchObject({ names: ['log'] })
    expect(await attachmentsOf('Subject: none\n\n--b\nContent-Type: application/pdf\n\n')).toEqual({
      names: [],
      complete: true,
    })
  })

  it('are those of the sample mailbox', async () => {
    const found: string[] = []
    for (const message of sampleMailbox()) {
      const { names, complete } = await attachmentsOf(Buffer.concat([...(message.open() as Iterable<Uint8Array>)]))
      expect(complete).toBe(true)
      found.push(...names)
    }
    expect(found.filter((name) => name === '切符.pdf').length).toBeGreaterThan(5)
    expect(found.filter((name) => name.startsWith('painting-')).length).toBeGreaterThan(5)
  })

  const nested = Array.from(
    { length: 10_000 },
    (_, index) => `Content-Type: multipart/mixed; boundary=b${index}\n\n--b${index}\n`,
  )
  it.each([
    ['ten thousand levels (QUIRKS MSG-10)', nested.join('')],
    ['a hundred thousand parts', parts(...Array<string>(100_000).fill('Content-Type: image/png'))],
    ['a header of megabytes', `Content-Type: ${'('.repeat(3_000_000)}`],
    ['a name of megabytes', parts(`Content-Disposition: attachment; filename="${'=?utf-8?Q?a?= '.repeat(200_000)}"`)],
    [
      'a name in very many pieces',
      parts(
        `Content-Disposition: attachment;${Array.from({ length: 900 }, (_, index) => `\n filename*${index}*=%41`).join(';')}`,
      ),
    ],
    ['quotes, backslashes and comments', parts(`Content-Type: ${'"\\('.repeat(5000)}; name=${'\\"('.repeat(5000)}`)],
    ['names of the prototype', parts('Content-Type: __proto__/constructor; __proto__=a; constructor=b; name=toString')],
  ])('are told within seconds, or not, of a message with %s', async (_, message) => {
    const start = performance.now()
    const { names } = await attachmentsOf(message)
    expect(performance.now() - start).toBeLessThan(5000)
    expect(names.length).toBeLessThanOrEqual(1000)
    for (const name of names) expect(name.length).toBeLessThanOrEqual(1000)
    // The next message is read as if nothing had been.
    expect(await attachmentsOf(parts('Content-Type: a/b; name=c'))).toEqual({ names: ['c'], complete: true })
  })

  it.each(oddMail)('never fail a message: %s', async (_, bytes) => {
    expect((await attachmentsOf(bytes)).names.length).toBeLessThan(10)
  })

  it('are unknown where the parser dies, and then only for that message', async () => {
    await using mine = new AttachmentReader(signal)
    const good = parts('Content-Type: a/b; name=c')
    expect(await attachmentsOf(good, mine)).toMatchObject({ names: ['c'] })
    const dying = attachmentsOf(good, mine)
    await mine[Symbol.asyncDispose]()
    expect(await dying).toMatchObject({ complete: false })
    expect(await attachmentsOf(good, mine)).toMatchObject({ names: ['c'], complete: true })
  })

  it('are unknown at once where the run is stopped', async () => {
    const stop = new AbortController()
    await using mine = new AttachmentReader(stop.signal)
    const asked = Array.from({ length: 100 }, async () => attachmentsOf(parts('Content-Type: a/b; name=c'), mine))
    stop.abort()
    for (const { complete } of await Promise.all(asked)) expect(complete).toBe(false)
  })
})
