import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
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
