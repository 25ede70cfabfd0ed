import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { defineConfig } from 'rolldown'

// What is installed: a start reads a dozen files and not four hundred, which takes a quarter of its time.
export default defineConfig({
  input: { main: 'build/cmd/main.js', 'attachment-worker': 'build/src/mail/attachment-worker.js' },
  platform: 'node',
  // Comes as a binary for the machine.
  external: ['libsql'],
  output: { dir: 'dist/cmd', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', cleanDir: true },
  plugins: [{ name: 'licences', generateBundle: keepLicences }],
})

/** Whoever hands on other people's code hands on their terms as well. */
function keepLicences(_, bundle) {
  const modules = Object.values(bundle).flatMap(({ moduleIds = [] }) => moduleIds)
  const packages = new Set(modules.filter((id) => id.includes('node_modules')).map(packageOf))
  const texts = [...packages].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file))
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n')
    return `${name} ${version} (${license})\n\n${text}\n`
  })
  this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n----\n\n') })
}

/** The folder of the package that a file belongs to: the nearest that has a name and a version. */
function packageOf(file) {
  const folder = dirname(file)
  const path = join(folder, 'package.json')
  if (existsSync(path) && 'version' in JSON.parse(readFileSync(path, 'utf8'))) return folder
  return packageOf(folder)
}
