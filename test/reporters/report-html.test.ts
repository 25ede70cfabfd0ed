import { writeFile } from 'node:fs/promises'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readable } from '../../src/html/escape.js'
import type { Report, UncopiedMessage } from '../../src/ports/report.js'
import { htmlReport } from '../../src/reporters/report-html.js'
import { openBrowser, openPage, type OpenedPage } from '../support/browser.js'
import { hostileSubjects } from '../support/hostile-subjects.js'
import { type TempFolder, tempFolder } from '../support/rig.js'
import { documentOf, reportOf, uncopiedOf } from './report-sample.js'

let folder: TempFolder
let browser: Browser | undefined
let missing: string | undefined

beforeAll(async () => {
  const opened = await openBrowser()
  if ('browser' in opened) browser = opened.browser
  else missing = opened.missing
  folder = await tempFolder()
}, 60_000)

beforeEach(({ skip }) => {
  skip(missing !== undefined, missing)
})

afterAll(async () => {
  await browser?.close()
  await folder[Symbol.asyncDispose]()
})

async function open(text: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
  const path = folder.at('report.html')
  await writeFile(path, text)
  return openPage(browser!, path, options)
}

const list = (count: number): readonly UncopiedMessage[] =>
  Array.from({ length: count }, (_, index) => uncopiedOf(`message ${index}`))

const complete = (): Report => ({
  ...reportOf('alice'),
  verdict: 'complete',
  accounts: [{ ...reportOf('alice').accounts[0]!, verdict: 'complete', reasons: [], doubts: [] }],
})

const laidOut = `Array.from(document.querySelectorAll('.list tr')).filter((row) =>
  row.checkVisibility({ contentVisibilityAuto: true })).length`

describe('a report in a browser', { timeout: 60_000 }, () => {
  it('says the verdict first, then everything that the figures are made of', async () => {
    await using opened = await open(documentOf(htmlReport, reportOf('alice'), [list(3)]))
    const { page } = opened
    expect(await page.locator('main > :first-child strong').textContent()).toBe('3 messages are missing.')
    expect(await page.locator('h1').textContent()).toBe('alice')
    const row = await page.locator('tbody tr').first().locator('td').allTextContents()
    expect(row).toEqual(['alice', '1,234', '1,000', '200', '30', '1', '2', '1', '1,201', '1.1 MB', 'incomplete'])
    expect(await page.locator('tfoot').first().textContent()).toContain('Together1,2341,000200301211,201')
    expect(await page.locator('section.account').count()).toBe(2)
    expect(await page.getByText('ab'.repeat(32)).first().isVisible()).toBe(true)
    expect(await page.locator('.list tbody tr').count()).toBe(3)
    await page.getByRole('link', { name: 'alice', exact: true }).click()
    expect(await page.locator('section.account:target h3').textContent()).toContain('alice')
    expect(opened.complaints).toEqual([])
    expect(opened.requests.filter((url) => !url.startsWith('file:'))).toEqual([])
    expect(new Set(opened.requests.map((url) => url.split('#')[0])).size).toBe(1)
  })

  it('says so where everything is there', async () => {
    await using opened = await open(documentOf(htmlReport, complete(), []))
    const { page } = opened
    expect(await page.locator('.verdict strong').textContent()).toBe('Everything is there.')
    expect(await page.locator('.list').innerText()).toBe('Messages that were not copied\n\nNone.')
  })

  it('draws what was copied when, and of which years, without a script', async () => {
    await using opened = await open(documentOf(htmlReport, reportOf('x'), []), { javaScriptEnabled: false })
    const { page } = opened
    const charts = page.getByRole('img')
    expect(await charts.count()).toBe(2)
    expect(await charts.first().getAttribute('aria-label')).toBe(
      'Octets copied per 5 seconds from 2026-01-31 04:00:00 UTC to 2026-01-31 04:00:15 UTC',
    )
    const titles = await page.locator('figure').nth(1).locator('rect title').allTextContents()
    expect(titles).toEqual(['2001: 1 message, 1.0 KB', '2002: 2 messages, 2.0 KB', '2003: 3 messages, 2.9 KB'])
    expect(await page.locator('figure').nth(1).innerText()).toContain('1 message without a usable date')
    const heights = (await page.locator('figure').nth(1).locator('rect').all()).map(
      async (bar) => (await bar.boundingBox())?.height,
    )
    const [one, two, three] = await Promise.all(heights)
    expect(Math.round((three ?? 0) / (one ?? 1))).toBe(3)
    expect(two).toBeGreaterThan(one ?? 0)
  })

  it('shows hostile texts as texts, and runs nothing', async () => {
    const texts = hostileSubjects.filter((text) => text !== '' && text !== ' ')
    for (const text of [
      '<script>alert(1)</script>',
      '"><img src=x onerror="pwned = 1">',
      "' onfocus='pwned = 1",
      'a\0b\u202e',
    ]) {
      await using opened = await open(documentOf(htmlReport, reportOf(text), [texts.map((one) => uncopiedOf(one))]))
      const { page, complaints, requests } = opened
      expect(await page.locator('script, img, iframe, form, object, embed, link, base, input').count()).toBe(0)
      expect(await page.locator('[onfocus], [onload], [onerror], [autofocus], [style]').count()).toBe(0)
      expect(await page.evaluate('typeof pwned')).toBe('undefined')
      expect(await page.locator('.account h3 bdi').first().textContent()).toBe(readable(text, 300))
      const subjects = await page.locator('.list td:nth-child(2)').allTextContents()
      expect(subjects).toEqual(texts.map((one) => readable(one, 250).replaceAll(/\r\n?/g, '\n')))
      expect(await page.locator('body').textContent()).not.toMatch(/[\u202e\u2066\ud800\0]/u)
      expect({ complaints, requests }).toEqual({ complaints: [], requests: [page.url()] })
    }
  })

  it('lets nothing in, should text ever become markup', async () => {
    await using opened = await open(documentOf(htmlReport, reportOf('x'), []))
    const { page } = opened
    const refused = page.waitForEvent('requestfailed')
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend',
      '<img src="http://127.0.0.1:9/x"><img src=x onerror="pwned = 1"><style>body { display: none }</style>')
      document.body.append(Object.assign(document.createElement('script'), { text: 'pwned = 1' }))`)
    expect((await refused).failure()?.errorText).toBe('csp')
    expect(await page.evaluate('typeof pwned')).toBe('undefined')
    expect(await page.locator('h1').isVisible()).toBe(true)
  })

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('is readable in %s, %i pixels wide', async (colorScheme, width) => {
    const long = 'x'.repeat(300)
    const report = reportOf(long)
    await using opened = await open(documentOf(htmlReport, report, [[uncopiedOf(long)]]), {
      colorScheme,
      viewport: { width, height: 700 },
    })
    const looks = await opened.page.evaluate(`(() => {
      const light = (color) => color.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765
      const of = (selector) => getComputedStyle(document.querySelector(selector))
      return { text: light(of('.list td').color), sheet: light(of('.sheet').backgroundColor),
        verdict: light(of('.verdict strong').color), over: document.documentElement.scrollWidth - innerWidth }
    })()`)
    const { text, sheet, verdict, over } = looks as { text: number; sheet: number; verdict: number; over: number }
    const contrast = (one: number): number => (colorScheme === 'light' ? sheet - one : one - sheet)
    expect(contrast(text)).toBeGreaterThan(0.6)
    expect(contrast(verdict)).toBeGreaterThan(0.3)
    expect(over).toBeLessThanOrEqual(0)
  })

  it('is printed dark on white, whatever the screen shows, with all its rows', async () => {
    await using opened = await open(documentOf(htmlReport, reportOf('x'), [list(250)]), { colorScheme: 'dark' })
    const { page } = opened
    await page.emulateMedia({ media: 'print' })
    const looks =
      await page.evaluate(`[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor,
      ${laidOut}]`)
    expect(looks).toEqual(['rgb(0, 0, 0)', 'rgb(255, 255, 255)', 251])
    const sheets = (await page.pdf({ format: 'A4' })).toString('latin1').match(/\/Type\s*\/Page\b/g)
    expect(sheets?.length).toBeGreaterThan(3)
  })

  it.each([1, 99, 100, 101, 1000, 2350])(
    'keeps %i rows in groups that a browser lays out as they are seen',
    async (count) => {
      await using opened = await open(documentOf(htmlReport, reportOf('x'), [list(count), list(1)], 137))
      const { page } = opened
      const groups = await page.evaluate<readonly number[]>(
        `Array.from(document.querySelectorAll('.list table')).flatMap((table) => Array.from(table.tBodies).map((body) => body.rows.length))`,
      )
      const full = Array<number>(Math.floor(count / 100)).fill(100)
      expect(groups).toEqual([...full, ...(count % 100 > 0 ? [count % 100] : []), 1])
      expect(await page.locator('.list h3').count()).toBe(2)
      expect(await page.locator('footer').isVisible()).toBe(true)
      if (count > 1000) expect(await page.evaluate(laidOut)).toBeLessThan(500)
    },
  )
})
