import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TargetContext } from '../../src/ports/kind.js'
import type { Receipt, Target } from '../../src/ports/target.js'
import { type MboxSettings, mboxSettings } from '../../src/targets/mbox-settings.js'
import { mbox } from '../../src/targets/mbox.js'
import type { TargetHarness, TargetPlace } from '../contract/target.js'
import { targetContext } from '../support/target-context.js'

type Form = Pick<MboxSettings, 'variant' | 'newline'>

export interface MboxPlace extends TargetPlace {
  readonly path: string
}

export interface MboxHarness extends TargetHarness {
  at(folder: string): MboxPlace
}

/** An mbox as the suite sees it; reads and writes it by the book, without the program's code. */
export function mboxHarness(chosen: Partial<MboxSettings> = {}): MboxHarness {
  const settings = mboxSettings.parse({ path: '?', ...chosen })
  return {
    ordered: true,
    exclusive: true,
    form: (bytes) => Buffer.from(storedForm(bytes.toString('latin1'), settings), 'latin1'),
    at: (folder) => mboxPlace(join(folder, 'mail.mbox'), settings),
  }
}

function mboxPlace(path: string, settings: MboxSettings): MboxPlace {
  return {
    path,
    target: () => mboxTarget({ ...settings, path }),
    stored: async () => (await readMbox(path, settings.variant)).map(({ stored }) => stored),
    addForeign: async (bytes) => appendFile(path, foreignMessage(bytes, settings), { mode: 0o600 }),
    breakOff: async (receipt) => {
      const { offset, length } = whereIs(receipt)
      await truncate(path, offset + Math.floor(length / 2))
    },
    remove: async (receipt) => truncate(path, whereIs(receipt).offset),
    alter: async (receipt) => {
      const { offset, length } = whereIs(receipt)
      const bytes = await readFile(path)
      const at = offset + length - 5
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      await writeFile(path, bytes)
    },
    empty: async () => truncate(path, 0),
    destroy: async () => rm(path),
  }
}

export function mboxTarget(settings: Partial<MboxSettings>, context: Partial<TargetContext> = {}): Target {
  return mbox.create(mboxSettings.parse(settings), targetContext(context))
}

/** Where a receipt says that the message stands, its blank line not counted. */
export function whereIs({ where }: Receipt): { readonly offset: number; readonly length: number } {
  const [offset, length] = where.split(' ', 1)[0]!.split('+').map(Number)
  return { offset: offset!, length: length! }
}

function storedForm(text: string, { variant, newline }: Form): string {
  const end = newline === 'lf' ? '\n' : '\r\n'
  const lines = newline === 'lf' ? text.replaceAll('\r\n', '\n') : text
  const quoted =
    variant === 'mboxcl2'
      ? lines
      : lines.replaceAll(variant === 'mboxrd' ? /(?<=^|\n)>*From /g : /(?<=^|\n)From /g, '>$&')
  return quoted.endsWith('\n') ? quoted : quoted + end
}

/** A message as a delivery agent writes it, From_ line and blank line included. */
export function foreignMessage(bytes: Buffer, form: Form): Buffer {
  const end = form.newline === 'lf' ? '\n' : '\r\n'
  const stored = storedForm(bytes.toString('latin1'), form)
  const head = stored.search(/(?<=^|\n)\r*\n/)
  const body = head < 0 ? '' : stored.slice(stored.indexOf('\n', head) + 1)
  const length = form.variant === 'mboxcl2' ? `Content-Length: ${body.length}${end}` : ''
  return Buffer.from(`From eve@island.example Sat Jan  3 01:05:34 1996${end}${length}${stored}${end}`, 'latin1')
}

interface MboxMessage {
  readonly fromLine: string
  /** From behind the From_ line, and behind the Content-Length of mboxcl2, to before the blank line. */
  readonly stored: Buffer
}

/** The messages of an mbox; throws where it is not one, octet by octet. */
export async function readMbox(path: string, variant: Form['variant']): Promise<readonly MboxMessage[]> {
  let rest = (await readFile(path)).toString('latin1')
  const messages: MboxMessage[] = []
  while (rest !== '') {
    const [fromLine = ''] = /^From \S+ [A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\r?\n/.exec(rest) ?? []
    if (fromLine === '')
      throw new Error(`no From_ line where a message must begin: ${JSON.stringify(rest.slice(0, 80))}`)
    rest = rest.slice(fromLine.length)
    const { stored, length } = variant === 'mboxcl2' ? byLength(rest) : byFromLine(rest)
    messages.push({ fromLine: fromLine.trimEnd(), stored: Buffer.from(stored, 'latin1') })
    rest = rest.slice(length)
  }
  return messages
}

function byFromLine(text: string): { readonly stored: string; readonly length: number } {
  const next = /(?<=\n\r?\n)From /.exec(text)?.index ?? text.length
  const stored = /^([\s\S]*\n)\r?\n$/.exec(text.slice(0, next))?.[1]
  if (stored === undefined) throw new Error('no blank line behind a message')
  return { stored, length: next }
}

function byLength(text: string): { readonly stored: string; readonly length: number } {
  const [line = '', octets] = /^Content-Length: (\d+)\r?\n/.exec(text) ?? []
  const message = text.slice(line.length)
  const blank = /(?<=^|\n)\r*\n/.exec(message)
  if (line === '' || !blank) throw new Error('no Content-Length, or no end of the header')
  const end = blank.index + blank[0].length + Number(octets)
  const [separator] = /^\r?\n/.exec(message.slice(end)) ?? []
  // The blank line behind a message that is a header alone is taken for the end of that header.
  const stored = separator === undefined ? message.slice(0, blank.index) : message.slice(0, end)
  return { stored, length: line.length + end + (separator?.length ?? 0) }
}
