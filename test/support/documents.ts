import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What people read: each page by its path in the project. */
export const pages: ReadonlyMap<string, string> = new Map(
  [
    ...readdirSync(root).filter((name) => name.endsWith('.md')),
    ...readdirSync(`${root}/docs`)
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ].map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]),
)

/** The fenced blocks of a page in one language, such as `yaml`, `text run`. */
export function blocks(page: string, language: string): readonly string[] {
  return Array.from(page.matchAll(/^ *```(.*)\n([\s\S]*?)^ *```$/gm), ([, info = '', text = '']) => ({ info, text }))
    .filter(({ info }) => info === language)
    .map(({ text }) => text)
}

/** The command lines of a page that start popferry, without comments: of its `sh` blocks, and in the running text. */
export function commands(page: string): readonly string[] {
  const shown = blocks(page, 'sh')
    .flatMap((text) => text.split('\n'))
    .filter((line) => /^ *popferry /.test(line))
  const named = Array.from(page.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`(popferry [^`]+)`/g))
  return [...shown, ...named.map(([, line = '']) => line)].map((line) => line.replace(/\s+#.*$/, '').trim())
}
