import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { memoryMessage } from '../../src/sample/message.js'
import { csvRows } from '../support/csv.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { hostileSubjects } from '../support/hostile-subjects.js'
import { findPython } from '../support/readers.js'
import { runPopferry, tempFolder, writePlan } from '../support/rig.js'
import { contentsOf } from '../support/zip.js'
import { snapshot } from './scene.js'

const execute = promisify(execFile)

/** What no system takes for a device, a path, a hidden file or an option; at most 120 bytes, for what comes before them. */
const safe = /^(?:\d{4}-\d\d-\d\d|undated)_[0-9a-f]{24}(?:_[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*)?\.eml$/u

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

it('MSG-06, MSG-07: hostile subjects become safe, distinct files, and the lists are harmless', async ({ skip }) => {
  const { missing } = await findPython()
  skip(missing !== undefined, missing)
  const messages = hostileSubjects.map((text) => {
    const name = text.slice(0, 1000).replaceAll(/["\\\r\n]/g, '')
    const head = `From: ${text}\r\nTo: ${text}\r\nSubject: ${text}\r\nDate: ${text}`
    return Buffer.from(`${head}\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\ntext\r\n`)
  })
  const uidls = hostileSubjects.map((text, index) => `${text.replaceAll(/[^!-~]/g, '').slice(0, 60)}#${index}`)
  await using server = await FakePop3Server.start({
    messages: messages.map((bytes, index) => memoryMessage(uidls[index] ?? '', bytes)),
  })
  await using folder = await tempFolder()
  const targets = [{ type: 'eml-zip', path: 'mail.zip' }]
  await writePlan(folder, { accounts: [{ name: 'alice', source: server.source(), targets }] })
  const run = async (): ReturnType<typeof runPopferry> => runPopferry(['run', '--quiet'], { cwd: folder.path })
  expect(await run()).toMatchObject({ code: 0, stderr: '' })

  await mkdir(folder.at('out'))
  await execute('python3', ['-m', 'zipfile', '-e', folder.at('mail.zip'), folder.at('out')], {
    env: { ...process.env, PYTHONUTF8: '1' },
  })
  const names = await readdir(folder.at('out'), { recursive: true })
  const files = names.filter((name) => name !== 'manifest.csv' && name !== 'index.html')
  expect(names).toHaveLength(messages.length + 2)
  for (const name of files) {
    expect(name).toMatch(safe)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120)
  }
  expect(new Set(files.map((name) => name.normalize('NFC').toLowerCase())).size).toBe(messages.length)
  const stored = await Promise.all(files.map(async (name) => digest(await readFile(folder.at('out', name)))))
  expect(stored.toSorted()).toEqual(messages.map(digest).toSorted())

  const { manifest, index } = await contentsOf(folder.at('mail.zip'))
  const rows = csvRows(manifest).slice(1)
  expect(rows.map(([name]) => name).toSorted()).toEqual(files.toSorted())
  expect(rows.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([])
  // What the cells were made of can be told from them.
  const ids = rows.map(([, cell = '']) =>
    cell.replace(/^'/, '').replaceAll(/\\x(..)/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
  )
  expect(ids.toSorted()).toEqual(uidls.toSorted())
  expect(manifest + index).not.toMatch(/[^\P{Cc}\r\n]|[\u202a-\u202e\u2066-\u2069]/u)
  expect(index.match(/<(?:script|style|img|svg|title)\b/g)).toEqual(['<title', '<style', '<script'])
  expect(index.match(/<tr><td>/g)).toHaveLength(messages.length)

  const before = await snapshot(folder.at('mail.zip', '..'))
  expect(await run()).toMatchObject({ code: 0, stderr: '' })
  const after = await snapshot(folder.at('mail.zip', '..'))
  expect(after['mail.zip']).toBe(before['mail.zip'])
}, 60_000)
