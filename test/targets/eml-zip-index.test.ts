import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Index } from '../../src/targets/eml-zip-index.js'
import { openBrowser, openPage, type OpenedPage } from '../support/browser.js'
import { hostileSubjects } from '../support/hostile-subjects.js'
import { deliver } from '../support/lane-loop.js'
import { message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { tempFolder, type TempFolder } from '../support/rig.js'
import { readZip } from '../support/zip.js'
import { emlZipTarget } from './eml-zip-place.js'

let folder: TempFolder
let browser: Browser | undefined
let missing: string | undefined

beforeAll(async () => {
  const opened = await openBrowser()
  if ('browser' in opened) browser = opened.browser
  else missing = opened.missing
  folder = await tempFolder()
  await unpackedVolume('letters', letters)
  await unpackedVolume('hostile', hostile)
}, 60_000)

beforeEach(({ skip }) => {
  skip(missing !== undefined, missing)
})

afterAll(async () => {
  await browser?.close()
  await folder[Symbol.asyncDispose]()
})

const letters = [
  ['2004-09-02', 'Zoë <zoe@harbour.example>', 'Last boat', 5, ['切符.pdf']],
  ['2012-01-31', 'ada@harbour.example', 'About the second boat', 30, ['b.png', 'a10.txt']],
  ['2012-02-01', '"Bo" <bo@island.example>', 'Boats and kites', 1, ['a2.txt']],
  ['', 'Émile <emile@island.example>', 'No date at all', 20, []],
].map(([date, from, subject, lines, names]) => letter({ date, from, subject, lines, names } as Letter))

interface Letter {
  readonly date: string
  readonly from: string
  readonly subject: string
  readonly lines: number
  readonly names: readonly string[]
}

function letter({ date, from, subject, lines, names }: Letter): string {
  const day = date === '' ? '' : `Date: ${new Date(date).toUTCString().replace('GMT', '+0000')}\r\n`
  const parts = names.map(
    (name) => `--b\r\nContent-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}\r\n\r\n`,
  )
  const head = `${day}From: ${from}\r\nTo: sam@island.example\r\nSubject: ${subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n`
  return `${head}${'a line of text\r\n'.repeat(lines)}${parts.join('')}--b--\r\n`
}

/** Everything that the page shows says what it should not. */
const hostile = hostileSubjects.map((text) => {
  const name = text.slice(0, 2000).replaceAll(/["\\\r\n]/g, '')
  const part = `--b\r\nContent-Type: a/b; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\n--b--\r\n`
  return `From: ${text}\r\nTo: ${text} <${text}>\r\nSubject: ${text}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${part}`
})

/** A volume of these messages, as unpacked. */
async function unpackedVolume(name: string, messages: readonly string[]): Promise<void> {
  const archive = folder.at(`${name}.zip`)
  const target = emlZipTarget({ path: archive }, { state: folder.at(`${name}.state`) })
  await deliver(
    target,
    new MemoryLedger(),
    messages.map((text, index) => message(`${index}`, Buffer.from(text))),
  )
  await mkdir(folder.at(name))
  for (const { name: entry, bytes } of await readZip(archive)) await writeFile(folder.at(name, entry), bytes)
}

async function open(path: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
  return openPage(browser!, join(path, 'index.html'), options)
}

const isHttp = (request: Request): boolean => request.url().startsWith('http:')
const isFile = (request: Request): boolean => request.url().startsWith('file:')

async function column(page: Page, number: number): Promise<readonly string[]> {
  return page.locator(`tbody td:nth-child(${number})`).allTextContents()
}

const subjects = async (page: Page): Promise<readonly string[]> => column(page, 4)

describe('the index in a browser', { timeout: 60_000 }, () => {
  it('shows the newest first', async () => {
    await using opened = await open(folder.at('letters'))
    const { page } = opened
    expect(await subjects(page)).toEqual(['Boats and kites', 'About the second boat', 'Last boat', 'No date at all'])
    expect(await column(page, 1)).toEqual(['2012-02-01 00:00', '2012-01-31 00:00', '2004-09-02 00:00', 'undated'])
    expect(await column(page, 6)).toEqual(['a2.txt', 'b.png a10.txt', '切符.pdf', ''])
    expect(await page.locator('h1').textContent()).toBe('letters')
    expect(opened.complaints).toEqual([])
    expect(opened.requests).toEqual([page.url()])
  })

  it.each([
    ['Date', ['Last boat', 'About the second boat', 'Boats and kites', 'No date at all']],
    ['From', ['About the second boat', 'Boats and kites', 'No date at all', 'Last boat']],
    ['Subject', ['About the second boat', 'Boats and kites', 'Last boat', 'No date at all']],
    ['Size', ['About the second boat', 'No date at all', 'Last boat', 'Boats and kites']],
    // By number within the names; what has none comes last, whichever way.
    ['Attachments', ['Boats and kites', 'About the second boat', 'Last boat', 'No date at all']],
  ])('sorts by %s, and back', async (name, expected) => {
    await using opened = await open(folder.at('letters'))
    const { page } = opened
    const button = page.getByRole('button', { name })
    await button.click()
    expect(await subjects(page)).toEqual(expected)
    await button.click()
    const last = name === 'Date' || name === 'Attachments' ? 1 : 0
    expect(await subjects(page)).toEqual([...expected.slice(0, 4 - last).toReversed(), ...expected.slice(4 - last)])
    expect(await page.locator('th[aria-sort]').allTextContents()).toEqual([name])
  })

  it.each([
    ['boat', ['Boats and kites', 'About the second boat', 'Last boat']],
    ['  BOAT   second ', ['About the second boat']],
    ['zoë', ['Last boat']],
    ['切符', ['Last boat']],
    ['a10.txt', ['About the second boat']],
    ['2012-01', ['About the second boat']],
    ['island.example', ['Boats and kites', 'About the second boat', 'Last boat', 'No date at all']],
    ['.*', []],
  ])('searches for %j', async (words, expected) => {
    await using opened = await open(folder.at('letters'))
    const { page } = opened
    await page.keyboard.press('/')
    await page.keyboard.type(words)
    expect(await subjects(page)).toEqual(expected)
    expect(await page.locator('output').textContent()).toBe(`${expected.length} of 4`)
    expect(await page.getByText('No message matches.').isVisible()).toBe(expected.length === 0)
    await page.getByRole('button', { name: 'Subject' }).click()
    expect((await subjects(page)).toSorted()).toEqual(expected.toSorted())
    await page.locator('input').fill('')
    expect(await subjects(page)).toHaveLength(4)
  })

  it.each(['letters', 'hostile'])('links to the files beside it: %s', async (name) => {
    await using opened = await open(folder.at(name))
    const { page } = opened
    const links = await page
      .locator('a')
      .evaluateAll((all) => all.map((link) => (link as unknown as { href: string }).href))
    const files = links.map((link) => basename(fileURLToPath(link)))
    expect(files.toSorted()).toEqual(
      (await readdir(folder.at(name))).filter((file) => file !== 'index.html').toSorted(),
    )
    const followed = Promise.race([
      page.waitForEvent('download').then((download) => download.url()),
      page.waitForURL('**/*.eml').then(() => page.url()),
    ])
    await page.locator('tbody a').first().click({ noWaitAfter: true })
    expect(await followed).toBe(links[0])
  })

  it('shows hostile texts as texts, and runs nothing', async () => {
    await using opened = await open(folder.at('hostile'))
    const { page, complaints, requests } = opened
    await page.getByRole('button', { name: 'Subject' }).click()
    await page.locator('input').fill('pwned')
    for (const cell of await page.locator('tbody td').all()) await cell.hover({ force: true })
    await page.locator('input').fill('')
    expect((await subjects(page)).length).toBe(hostileSubjects.length)
    expect(await subjects(page)).toEqual(
      expect.arrayContaining(['<script>alert(1)</script>', '"><img src=x onerror="pwned = 1">', '&lt;b&gt;']),
    )
    expect(
      await page.locator('img, svg, iframe, form, object, embed, [onfocus], [onload], [onerror], [autofocus]').count(),
    ).toBe(0)
    expect(await page.locator('script').count()).toBe(1)
    expect(await page.evaluate('typeof pwned')).toBe('undefined')
    expect({ complaints, requests }).toEqual({ complaints: [], requests: [page.url()] })
    expect(await page.locator('body').textContent()).not.toMatch(/[\u202e\ud800]/u)
  })

  it('lets no script in but its own, should text ever become markup', async () => {
    await using opened = await open(folder.at('letters'))
    const { page, requests } = opened
    const refused = [page.waitForEvent('requestfailed', isHttp), page.waitForEvent('requestfailed', isFile)].map(
      async (failed) => (await failed).failure()?.errorText,
    )
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend',
      '<img src="http://127.0.0.1:9/x"><img src=x onerror="pwned = 1"><style>body { display: none }</style>')
      document.body.append(Object.assign(document.createElement('script'), { text: 'pwned = 1' }))`)
    expect(await page.evaluate('typeof pwned')).toBe('undefined')
    expect(await page.locator('h1').isVisible()).toBe(true)
    expect(await Promise.all(refused)).toEqual(['csp', 'csp'])
    expect(requests).toHaveLength(3)
  })

  it('is a list without scripts as well', async () => {
    await using opened = await open(folder.at('letters'), { javaScriptEnabled: false })
    expect(await opened.page.getByText('About the second boat').isVisible()).toBe(true)
    expect(await opened.page.locator('input').isVisible()).toBe(false)
  })

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('is readable in %s, %i pixels wide', async (colorScheme, width) => {
    await using opened = await open(folder.at('hostile'), { colorScheme, viewport: { width, height: 700 } })
    const looks = await opened.page.evaluate(`(() => {
      const light = (color) => color.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765
      const text = getComputedStyle(document.querySelector('tbody td:nth-child(4)')).color
      const sheet = getComputedStyle(document.querySelector('table')).backgroundColor
      return { text: light(text), sheet: light(sheet), over: document.documentElement.scrollWidth - innerWidth }
    })()`)
    const { text, sheet, over } = looks as { text: number; sheet: number; over: number }
    expect(colorScheme === 'light' ? sheet - text : text - sheet).toBeGreaterThan(0.6)
    expect(over).toBeLessThanOrEqual(0)
  })

  it('is quick with 20,000 rows', async () => {
    await mkdir(folder.at('many'))
    await writeFile(folder.at('many', 'index.html'), manyRows())
    const start = performance.now()
    await using opened = await open(folder.at('many'))
    const { page } = opened
    await page.locator('tbody a').first().isVisible()
    const loaded = performance.now() - start
    // Each up to the frame that shows it.
    const times = await page.evaluate<Record<string, number>>(`(async () => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
      const time = async (act) => {
        const start = performance.now()
        act()
        await frame()
        return Math.round(performance.now() - start)
      }
      const input = document.querySelector('input')
      const search = (text) => () => { input.value = text; input.dispatchEvent(new Event('input')) }
      const button = (key) => () => document.querySelector('[data-key=' + key + '] button').click()
      return {
        sort: await time(button('subject')), size: await time(button('size')), first: await time(search('number 77')),
        next: await time(search('number 777')), all: await time(search('')), scroll: await time(() => scrollTo(0, 400000)),
      }
    })()`)
    process.stdout.write(`An index of 20,000 messages, in ms: load ${Math.round(loaded)}, ${JSON.stringify(times)}\n`)
    // What nobody sees is not laid out, on a busy machine neither.
    const laidOut = `Array.from(document.querySelectorAll('tbody tr')).filter((row) => row.checkVisibility({ contentVisibilityAuto: true })).length`
    expect(await page.evaluate(laidOut)).toBeLessThan(1000)
    expect(await page.locator('tbody tr').count()).toBe(20_000)
    for (const [what, ms] of Object.entries({ loaded, ...times })) expect(ms, what).toBeLessThan(10_000)
  })
})

function manyRows(): Buffer {
  const index = new Index('many')
  for (let number = 0; number < 20_000; number++) {
    const names = number % 3 === 0 ? [`report ${number}.pdf`] : []
    index.add(index.reserve(), {
      name: `2004-09-02_${String(number).padStart(24, '0')}_Message-number-${number}.eml`,
      date: Date.UTC(2004, 0, 1) + number * 3_600_000,
      size: (number * 7919) % 100_000,
      from: `Person ${number % 211} <person${number % 211}@harbour.example>`,
      to: 'Sam Sample <sam@island.example>',
      subject: `Message number ${(number * 7919) % 20_000} of very many`,
      attachments: { names, complete: true },
    })
  }
  return index.page()
}
