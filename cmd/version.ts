import { readFileSync } from 'node:fs'

/** The version in package.json, which lies one folder above the sources and two above what the build makes of them. */
export function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    const text = readIfPresent(new URL(path, import.meta.url))
    if (text === undefined) continue
    const { version } = JSON.parse(text) as { readonly version: string }
    return version
  }
  throw new Error('package.json is missing from the installation')
}

function readIfPresent(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
