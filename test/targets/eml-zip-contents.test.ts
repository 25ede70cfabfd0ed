import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/message.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { csvRows } from '../support/csv.js'
import { deliver, lane, readBack, signal } from '../support/lane-loop.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { type Contents, contentsOf, messagesIn } from '../support/zip.js'
import { emlZipTarget } from './eml-zip-place.js'

let folder: TemporaryFolder
let ledger: MemoryLedger
let archive: string

beforeEach(async () => {
  folder = await memoryFolder()
  ledger = new MemoryLedger()
  archive = join(folder.path, 'zips', 'mail.zip')
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

function target(): ReturnType<typeof emlZipTarget> {
  return emlZipTarget({ path: archive }, { state: join(folder.path, 'state') })
}

async function contentsWith(messages: readonly Message[]): Promise<Contents> {
  await deliver(target(), ledger, messages)
  return contentsOf(archive)
}

describe('manifest.csv', () => {
  it('has a line for each message, in their order', async () => {
    const messages = [
      message('0001', letter('one')),
      message('0001\n2', 'Subject: undated\r\n\r\n'),
      message('x', letter('three', 2_000_000), 65_536),
    ]
    const { manifest } = await contentsWith(messages)
    const [head, ...rows] = csvRows(manifest)
    expect(head).toEqual(['name', 'uidl', 'occurrence', 'sha256', 'size', 'date', 'copied'])
    expect(rows.map(([name]) => name)).toEqual((await messagesIn(archive)).map(({ name }) => name))
    expect(rows.map((row) => row.slice(1, 6))).toEqual([
      ['0001', '1', messages[0]?.sha256, String(messages[0]?.size), '2004-09-02T08:00:00.000Z'],
      ['0001', '2', messages[1]?.sha256, String(messages[1]?.size), ''],
      ['x', '1', messages[2]?.sha256, String(messages[2]?.size), '2004-09-02T08:00:00.000Z'],
    ])
    for (const row of rows) expect(row[6]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  it.each([
    ['=HYPERLINK("http://x","y")', `'=HYPERLINK("http://x","y")`],
    ['+1', `'+1`],
    ['-1', `'-1`],
    ['@SUM(A1)', `'@SUM(A1)`],
    [`'quoted`, `''quoted`],
    ['a,b"c', 'a,b"c'],
    ['\x1b[31m\t\x7f\x9b', '\\x1b[31m\\x09\\x7f\\x9b'],
    ['back\\slash', 'back\\x5cslash'],
    ['caf\xe9', 'caf\xe9'],
  ])('holds the id %j as text that no spreadsheet runs (QUIRKS MSG-08)', async (uidl, cell) => {
    const { manifest } = await contentsWith([message(uidl, letter('one'))])
    expect(csvRows(manifest)[1]?.[1]).toBe(cell)
    expect(manifest).not.toMatch(/[^\P{Cc}\r\n]/u)
  })
})

describe('index.html', () => {
  it('shows the newest first, with what they bring along', async () => {
    const { index } = await contentsWith([
      message(
        '1',
        'Date: Thu, 2 Sep 2004 08:00:00 +0200\r\nFrom: "Ada" <ada@harbour.example>\r\nSubject: =?utf-8?Q?caf=C3=A9?=\r\n\r\n',
      ),
      message('2', 'Subject: no date\r\n\r\n'),
      message(
        '3',
        'Date: Fri, 3 Sep 2004 08:00:00 +0000\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf; name="a & b.pdf"\r\n\r\n--b--\r\n',
      ),
    ])
    const rows = [
      ...index.matchAll(/^<tr><td>(.*?)<\/td><td>(.*?)<\/td>.*?>([^<]*)<\/a>.*<td>(.*)<\/td><\/tr>$/gm),
    ].map((row) => row.slice(1))
    expect(rows).toEqual([
      [
        '<time datetime="2004-09-03T08:00:00.000Z">2004-09-03 <i>08:00</i></time>',
        '',
        '(no subject)',
        '<b>a &amp; b.pdf</b>',
      ],
      [
        '<time datetime="2004-09-02T06:00:00.000Z">2004-09-02 <i>06:00</i></time>',
        'Ada <i>ada@harbour.example</i>',
        'café',
        '',
      ],
      ['undated', '', 'no date', ''],
    ])
    expect(index).toContain('<span>3 messages</span> · <span>')
    expect(index).toContain('<span>2004-09-02 to 2004-09-03</span>')
  })

  it('links to each message by the name that it has', async () => {
    const { index } = await contentsWith(
      ['plain', 'こんにちは', 'a#b?c%20d', '50% & more'].map((subject, index) =>
        message(String(index), Buffer.from(`Subject: ${subject}\r\n\r\n`)),
      ),
    )
    const links = [...index.matchAll(/<a href="([^"]+\.eml)"/g)].map(([, link]) => decodeURIComponent(link ?? ''))
    expect(links.toSorted()).toEqual((await messagesIn(archive)).map(({ name }) => name).toSorted())
  })

  it('runs and shows only what has the digests in its policy', async () => {
    const { index } = await contentsWith([message('1', letter('one'))])
    const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(index)?.[1] ?? ''
    const digest = (tag: string): string => {
      const text = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(index)?.[1] ?? ''
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    }
    const rules = [
      "default-src 'none'",
      `style-src ${digest('style')}`,
      `script-src ${digest('script')}`,
      "base-uri 'none'",
      "form-action 'none'",
    ]
    expect(policy.split('; ')).toEqual(rules)
    expect(index.match(/<script/g)).toHaveLength(1)
    expect(index).not.toMatch(/ (?:style|on\w+)=|https?:|<(?:img|link|iframe|base)/)
  })
})

describe('a volume', () => {
  const batch = Array.from({ length: 8 }, (_, index) =>
    message(
      `k${index}`,
      `${letter(`no ${index}`).replace('\r\n\r\n', `\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b; name=${index}\r\n\r\n`)}--b--\r\n`,
    ),
  )

  it('is the same to the octet when it is built again', async () => {
    await deliver(target(), ledger, batch, { sealed: false })
    const seen: string[] = []
    for (let built = 0; built < 2; built++) {
      await using writer = await target().open(lane, await ledger.load(lane), signal)
      // As far as the announcement, which has its digest; then as if killed.
      for await (const { position } of writer.seal?.(true) ?? []) {
        seen.push((JSON.parse(position) as { sealing: { sha256: string } }).sealing.sha256)
        break
      }
    }
    expect(new Set(seen)).toEqual(new Set([seen[0]]))
    expect(seen).toHaveLength(2)
    await deliver(target(), ledger, [])
    expect(
      createHash('sha256')
        .update(await readFile(archive))
        .digest('hex'),
    ).toBe(seen[0])
  })

  it('is verified by its messages alone', async () => {
    await deliver(target(), ledger, batch)
    expect(await readBack(target(), ledger)).toEqual(batch.map(() => 'intact'))
    expect((await messagesIn(archive)).map(({ bytes }) => createHash('sha256').update(bytes).digest('hex'))).toEqual(
      batch.map(({ sha256 }) => sha256),
    )
  })
})
