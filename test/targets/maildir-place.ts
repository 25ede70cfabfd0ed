import { mkdir, readdir, readFile, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TargetContext } from '../../src/ports/kind.js'
import type { Receipt, Target } from '../../src/ports/target.js'
import { type MaildirSettings, maildirSettings } from '../../src/targets/maildir-settings.js'
import { maildir } from '../../src/targets/maildir.js'
import type { TargetHarness, TargetPlace } from '../contract/target.js'
import { targetContext } from '../support/target-context.js'

/** A Maildir as the suite sees it; reads and writes it without the program's code. */
export function maildirHarness(chosen: Partial<MaildirSettings> = {}): TargetHarness {
  const settings = maildirSettings.parse({ path: '?', ...chosen })
  const [subfolder] = settings.folder === '' ? [''] : [`.${settings.folder.replaceAll('/', '.')}`]
  return {
    ordered: false,
    exclusive: true,
    form: (bytes) =>
      settings.newline === 'crlf' ? bytes : Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
    at: (folder) => maildirPlace(join(folder, 'Maildir'), subfolder, settings),
  }
}

function maildirPlace(root: string, subfolder: string, settings: MaildirSettings): TargetPlace {
  const path = join(root, subfolder)
  let foreign = 0
  return {
    target: () => maildirTarget({ ...settings, path: root }),
    stored: async () => (await maildirFiles(path)).map(({ bytes }) => bytes),
    addForeign: async (bytes) => {
      for (const part of ['tmp', 'new', 'cur']) await mkdir(join(path, part), { recursive: true })
      const form = settings.newline === 'crlf' ? bytes : bytes.toString('latin1').replaceAll('\r\n', '\n')
      await writeFile(join(path, 'new', `820633534.M${++foreign}P9.island`), form, 'latin1')
    },
    breakOff: async (receipt) => {
      const { file, name, bytes } = await fileOf(path, receipt)
      await truncate(file, Math.floor(bytes.length / 2))
      await rename(file, join(path, 'tmp', name.split(':', 1)[0]!))
    },
    remove: async (receipt) => unlink((await fileOf(path, receipt)).file),
    alter: async (receipt) => {
      const { file, bytes } = await fileOf(path, receipt)
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5)
      await writeFile(file, bytes)
    },
    empty: async () => {
      for (const { file } of await maildirFiles(path)) await unlink(file)
    },
    destroy: async () => rm(path, { recursive: true }),
  }
}

export function maildirTarget(settings: Partial<MaildirSettings>, context: Partial<TargetContext> = {}): Target {
  return maildir.create(maildirSettings.parse(settings), targetContext(context))
}

interface MaildirFile {
  readonly part: 'new' | 'cur'
  readonly name: string
  readonly file: string
  readonly bytes: Buffer
}

/** The messages of a Maildir; a file that is still in tmp/ is a mistake. */
export async function maildirFiles(path: string): Promise<readonly MaildirFile[]> {
  const drafts = await readdir(join(path, 'tmp'))
  if (drafts.length > 0) throw new Error(`left in tmp: ${drafts.join(', ')}`)
  const files: MaildirFile[] = []
  for (const part of ['new', 'cur'] as const) {
    for (const name of (await readdir(join(path, part))).toSorted()) {
      const file = join(path, part, name)
      files.push({ part, name, file, bytes: await readFile(file) })
    }
  }
  return files
}

async function fileOf(path: string, { where }: Receipt): Promise<MaildirFile> {
  const file = (await maildirFiles(path)).find(({ name }) => name.split(':', 1)[0] === where)
  if (!file) throw new Error(`no file ${where}`)
  return file
}
