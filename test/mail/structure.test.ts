import { describe, expect, it } from 'vitest'
import { MimeStructure } from '../../src/mail/structure.js'

function structureOf(text: string, inParts?: number): string {
  const bytes = Buffer.from(text, 'latin1')
  const structure = new MimeStructure()
  const step = inParts ?? (bytes.length || 1)
  for (let at = 0; at < bytes.length; at += step) structure.write(bytes.subarray(at, at + step))
  return structure.end().toString('latin1')
}

const crlf = (text: string): string => text.replaceAll('\n', '\r\n')

const multipart = `Received: from a
Content-Type: multipart/mixed;
 boundary="b"
Subject: --b
 content-type: text/plain

preamble
--b
X-Other: no
content-disposition : attachment;
\tfilename="a.pdf"
X-Last: no

SGVsbG8=
- no boundary
--b
Content-Type: message/rfc822
Content-Disposition: inline

Content-Type: multipart/mixed; boundary=c
Subject: inner

--c
Content-Type: image/png; name=x.png

-- --
--c--
--b--
`

const kept = `Content-Type: multipart/mixed;
 boundary="b"

--b
content-disposition : attachment;
\tfilename="a.pdf"

--b
Content-Type: message/rfc822
Content-Disposition: inline

Content-Type: multipart/mixed; boundary=c

--c
Content-Type: image/png; name=x.png

-- --
--c--
--b--
`

describe('the structure of a message', () => {
  it.each([undefined, 1, 2, 3, 7, 64])('is its fields and boundaries, read in parts of %s', (inParts) => {
    expect(structureOf(crlf(multipart), inParts)).toBe(crlf(kept))
    expect(structureOf(multipart, inParts).replaceAll('\r', '')).toBe(kept)
  })

  it.each([
    ['nothing', '', ''],
    ['a blank line', '\r\n', '\r\n'],
    ['a header without an end', 'Content-Type: a/b', 'Content-Type: a/b\r\n'],
    ['a text', 'Subject: a\r\n\r\none\r\ntwo\r\n', '\r\n'],
    ['a body of dashes', '\r\n---------\r\n', '\r\n---------\r\n'],
  ])('of %s', (_, text, expected) => {
    for (const inParts of [undefined, 1]) expect(structureOf(text, inParts)).toBe(expected)
  })

  it.each([
    ['a field', `Content-Type: a/b; name=${'x'.repeat(3_000_000)}\r\nContent-Type: c/d\r\n\r\n`, 17_000],
    ['a line of content', `\r\n${'-'.repeat(3_000_000)}\r\n`, 2],
    ['boundaries', `\r\n${'--b\r\n'.repeat(600_000)}`, 256 * 1024],
    ['fields', `${'Content-Type: a/b\r\n'.repeat(200_000)}\r\n`, 256 * 1024],
    ['parts', `\r\n${'--b\r\nContent-Type: a/b\r\n\r\nx\r\n'.repeat(100_000)}`, 256 * 1024],
  ])('is short, however long a message has %s (QUIRKS MSG-05)', (_, text, most) => {
    for (const inParts of [undefined, 65_536, 4099]) expect(structureOf(text, inParts).length).toBeLessThanOrEqual(most)
  })

  it('says when something is left out', () => {
    const structure = new MimeStructure()
    structure.write(Buffer.from('\r\n'))
    expect(structure.complete).toBe(true)
    for (let index = 0; index < 100_000; index++) structure.write(Buffer.from('--b\r\n\r\n'))
    expect(structure.complete).toBe(false)
    expect(structure.end().length).toBeLessThanOrEqual(256 * 1024)
  })

  it('goes over hundreds of megabytes quickly', () => {
    const structure = new MimeStructure()
    const page = Buffer.from(`${'0123456789abcdef'.repeat(4)}\r\n`.repeat(4096))
    structure.write(Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n'))
    const start = performance.now()
    for (let size = 0; size < 2 ** 28; size += page.length) structure.write(page)
    expect(performance.now() - start).toBeLessThan(5000)
    structure.write(Buffer.from('--b\r\nContent-Disposition: attachment; filename=last\r\n\r\n'))
    expect(structure.end().toString()).toContain('filename=last')
  })
})
