import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import type { TempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { run } from './run.js'
import { fresh, messages, requireExact, thorough } from './scene.js'
import { count } from './tally.js'

let server: FakePop3Server

beforeAll(async () => {
  server = await FakePop3Server.start({ messages })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const targets = ['zip']

/** The only file of the staging, if there is one. */
async function staged(folder: TempFolder): Promise<string | undefined> {
  const [lane = ''] = await readdir(folder.at('state', 'staging')).catch(() => [])
  const [name] = await readdir(folder.at('state', 'staging', lane)).catch(() => [])
  return name === undefined ? undefined : folder.at('state', 'staging', lane, name)
}

/** Another octet in the place of the first behind `text`. */
const flipBehind = (text: string) => async (path: string) => {
  const bytes = await readFile(path)
  const at = bytes.indexOf(text)
  if (at < 0) return
  bytes[at + text.length] = (bytes[at + text.length] ?? 0) ^ 1
  await writeFile(path, bytes)
}

const damages: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ['gone', async (path) => rm(path)],
  ['empty', async (path) => truncate(path)],
  ['half', async (path) => truncate(path, (await readFile(path)).length >> 1)],
  ['short by an octet', async (path) => truncate(path, (await readFile(path)).length - 1)],
  ['zeros in its second half', async (path) => writeFile(path, (await readFile(path)).fill(0, 60))],
  ['another folder in its first line', flipBehind('/zip')],
  ['another word in its first line', flipBehind('"arch')],
  ['another size', flipBehind('"size":')],
  ['another octet in a message', flipBehind('Subject: tw')],
  ['a line of another file behind it', async (path) => appendLine(path, '{"archive":"/a.zip"}')],
  ['a record without a message behind it', async (path) => appendLine(path, '{"key":"u1","size":-50}')],
]

async function appendLine(path: string, line: string): Promise<void> {
  await writeFile(path, `${line}\n${line.slice(0, 12)}`, { flag: 'a' })
}

it.for(damages)(
  'FS-11 the staging of an archive, %s: healed, or refused until it is put right',
  { timeout: 3_600_000 },
  async ([name, damage], context) => {
    let refused = 0
    let healed = 0
    // Before the first commit, behind it, and when the volume is there.
    for (const stopAt of thorough ? Array.from({ length: 80 }, (_, index) => index) : [42, 62, 66, 78]) {
      await using folder = await fresh()
      await run(server, folder, new Steps(stopAt), { targets }).catch(() => undefined)
      const path = await staged(folder)
      if (path === undefined) continue
      const whole = await readFile(path)
      await damage(path)
      const where = `stopped at ${stopAt}, ${name}`
      const faults = (await run(server, folder, new Steps(), { targets })).accounts[0]?.faults ?? []
      for (const { code, message, facts } of faults) {
        expect(facts.hint).toContain('--adopt')
        expect(['target-gone', 'io'], `${where}: ${message}`).toContain(code)
        expect(message, where).not.toMatch(/undefined|NaN|argument/)
      }
      if (faults.length > 0) {
        expect(await readdir(folder.at('zips'))).toEqual([])
        // Both that the advice says.
        if (refused++ % 2 === 0) await writeFile(path, whole)
        else await rm(folder.at('state'), { recursive: true })
        const adopt = refused % 2 === 0
        const { accounts } = await run(server, folder, new Steps(), { targets, adopt })
        expect(accounts[0]?.faults, where).toEqual([])
      } else healed++
      // The Maildir and the mbox as well.
      await run(server, folder, new Steps())
      count(context, { faults: 1, ...(await requireExact(folder)) })
    }
    // Where no message with a receipt has suffered there is nothing to refuse.
    expect(refused > 0, `${refused} refused, ${healed} healed`).toBe(!name.endsWith('behind it'))
  },
)
