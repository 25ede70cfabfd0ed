import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import type { Finished } from '../support/rig.js'
import { openScene, type Scene, type SceneOptions } from './scene.js'

/** With a line that every mbox has to quote, and a twin. */
export const fourMessages = [
  'Subject: one\r\n\r\nFrom here\r\n>From there\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  'Subject: last\r\n\r\nend\r\n',
]

export const targets = [
  { type: 'maildir', path: 'mail/{account}' },
  { type: 'mbox', path: 'mail/{account}.mbox' },
  { type: 'eml-zip', path: 'mail/{account}.zip' },
]

/** Alice's four messages, copied to a Maildir, an mbox and an archive. */
export async function copied(options: SceneOptions = {}): Promise<Scene> {
  const plan: SceneOptions['plan'] = (server) => ({ accounts: [{ name: 'alice', source: server.source(), targets }] })
  const scene = await openScene({ messages: fourMessages, plan, ...options })
  expect(await scene.run(['run'])).toMatchObject({ code: 0 })
  return scene
}

export interface Found {
  readonly code: number | null
  /** `target: defect uidl`, sorted. */
  readonly messages: readonly string[]
  /** Counts of the targets that are not as they should be. */
  readonly targets: Readonly<Record<string, object>>
}

export function found({ code, events }: Finished): Found {
  const messages = events
    .filter(({ type }) => type === 'verify.message')
    .map(({ target, defect, uidl }) => `${String(target)}: ${String(defect)} ${String(uidl)}`)
  const verdicts = events.find(({ type }) => type === 'verify.account')?.['targets'] as {
    readonly target: string
    readonly ok: boolean
    readonly missing: number
    readonly altered: number
    readonly duplicated: number
  }[]
  const wrong = verdicts.filter(({ ok }) => !ok)
  return {
    code,
    messages: messages.toSorted(),
    targets: Object.fromEntries(
      wrong.map(({ target, missing, altered, duplicated }) => [target, { missing, altered, duplicated }]),
    ),
  }
}

export const sound: Found = { code: 0, messages: [], targets: {} }

/** The files of the Maildir's new/, in the order of the messages. */
export async function files({ folder }: Scene): Promise<readonly string[]> {
  const names = await readdir(folder.at('mail', 'alice', 'new'))
  const order = ['Subject: one', 'Subject: twin', 'Subject: last']
  const texts = await Promise.all(
    names.map(async (name) => readFile(folder.at('mail', 'alice', 'new', name), 'latin1')),
  )
  const place = (index: number): number => order.findIndex((start) => texts[index]?.startsWith(start))
  return names
    .map((_, index) => index)
    .toSorted((a, b) => place(a) - place(b))
    .map((index) => names[index] ?? '')
}

export async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
  await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at)
  await file.close()
}

export async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, 'latin1')), 'latin1')
}

export const inMaildir = (scene: Scene, ...names: readonly string[]): string =>
  scene.folder.at('mail', 'alice', ...names)
export const mbox = ({ folder }: Scene): string => folder.at('mail', 'alice.mbox')
export const zip = ({ folder }: Scene): string => folder.at('mail', 'alice.zip')
