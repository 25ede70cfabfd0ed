import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { isRoot } from './machine.js'

/** A headless Chromium of the host, or why there is none. */
export async function openBrowser(): Promise<{ readonly browser: Browser } | { readonly missing: string }> {
  const executablePath = await findChromium()
  if (executablePath === undefined) return { missing: `there is no Chromium here (${names.join(', ')})` }
  try {
    // Root has no sandbox; in a container shared memory is scarce.
    const args = [...(isRoot ? ['--no-sandbox'] : []), '--disable-dev-shm-usage']
    return { browser: await chromium.launch({ executablePath, args }) }
  } catch (error) {
    return { missing: `${executablePath} does not start: ${String(error).split('\n')[0] ?? ''}` }
  }
}

export interface OpenedPage extends AsyncDisposable {
  readonly page: Page
  /** Everything that was asked for. */
  readonly requests: readonly string[]
  /** What the page complained of, or popped up. */
  readonly complaints: readonly string[]
}

/** Opens a file in a window of its own. */
export async function openPage(browser: Browser, file: string, options: BrowserContextOptions): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('console', (line) => complaints.push(line.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(dialog.message())
    void dialog.dismiss()
  })
  await page.goto(pathToFileURL(file).href)
  return { page, requests, complaints, [Symbol.asyncDispose]: async () => context.close() }
}

async function findChromium(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of names) {
      const path = join(folder, name)
      const found = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (found) return path
    }
  }
  return undefined
}

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome']
