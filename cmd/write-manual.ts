import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bashCompletion } from '../src/manual/bash.js'
import { fishCompletion } from '../src/manual/fish.js'
import { manPage } from '../src/manual/man-page.js'
import { zshCompletion } from '../src/manual/zsh.js'
import { commandLine } from './command-line.js'
import { exitCodeList } from './exit-code.js'
import { buildProgram } from './main.js'
import { referenceText } from './reference.js'
import { processStreams } from './streams.js'
import { packageVersion } from './version.js'

/** `node build/cmd/write-manual.js FOLDER REFERENCE` writes completions, man page and reference; part of the build. */
const [, , folder, referenceFile] = process.argv
if (folder === undefined || referenceFile === undefined) throw new Error('usage: write-manual FOLDER REFERENCE')
const version = packageVersion()
const line = commandLine(
  buildProgram(version, processStreams(), () => undefined),
  version,
)
const files = {
  'completions/popferry.bash': bashCompletion(line),
  'completions/_popferry': zshCompletion(line),
  'completions/popferry.fish': fishCompletion(line),
  'man/popferry.1': manPage(line, exitCodeList),
}
for (const [name, text] of Object.entries(files)) {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
}
writeFileSync(referenceFile, referenceText(line))
