import { readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

/** The world after the first run, and somebody's hand in it. */
async function damaged(damage: (folder: TempFolder) => Promise<void>): Promise<TempFolder> {
  const folder = await fresh()
  await run(server, folder, new Steps())
  await damage(folder)
  return folder
}

async function someFiles(folder: TempFolder): Promise<void> {
  const names = (await readdir(folder.at('maildir', 'new'))).filter((name) => name.includes('popferry'))
  for (const name of names.slice(0, 3)) await unlink(folder.at('maildir', 'new', name))
}

/** Where a message of ours begins. */
async function starts(path: string): Promise<readonly number[]> {
  const text = await readFile(path, 'latin1')
  return [...text.matchAll(/^From MAILER-DAEMON/gm)].map(({ index }) => index)
}

async function withoutMessage(path: string, number: number): Promise<void> {
  const at = await starts(path)
  const bytes = await readFile(path)
  const [from, to] = [at[number] ?? 0, at[number + 1] ?? bytes.length]
  await writeFile(`${path}.new`, Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]))
  await rename(`${path}.new`, path)
}

const damages: readonly (readonly [string, (folder: TempFolder) => Promise<void>])[] = [
  [
    'the last messages of the mbox, some files, the archive',
    async (folder) => {
      await someFiles(folder)
      await withoutMessage(folder.at('mbox'), 5)
      await unlink(folder.at('zips', 'mail.zip'))
    },
  ],
  [
    'a message in the middle of the mbox, all files, the folder of the archive',
    async (folder) => {
      for (const name of await readdir(folder.at('maildir', 'new'))) {
        if (name.includes('popferry')) await unlink(folder.at('maildir', 'new', name))
      }
      await withoutMessage(folder.at('mbox'), 1)
      await rm(folder.at('zips'), { recursive: true })
    },
  ],
]

describe.each(damages)('--repair stopped at every step: %s', (_, damage) => {
  it('ends with each message exactly once', async (context) => {
    await using whole = await damaged(damage)
    const all = new Steps()
    const outcome = await run(server, whole, all, { repair: true })
    expect(outcome.accounts[0]?.faults).toEqual([])
    expect(outcome.counts).toMatchObject({ listed: 6, failed: 0, copied: 6 })
    await requireExact(whole)
    for (let stopAt = 1; stopAt <= all.count; stopAt += thorough ? 1 : 9) {
      await using folder = await damaged(damage)
      await run(server, folder, new Steps(stopAt), { repair: true }).catch(() => undefined)
      // What was found missing, any run copies; what was not, the next one that looks.
      if (stopAt % 2 === 0) await run(server, folder, new Steps())
      const again = await run(server, folder, new Steps(), { repair: true })
      expect(again.accounts[0]?.faults, `stopped at step ${stopAt}`).toEqual([])
      count(context, { stops: 1, ...(await requireExact(folder)) })
      const third = await run(server, folder, new Steps(), { repair: true })
      expect(third.counts, `stopped at step ${stopAt}`).toMatchObject({ copied: 0, present: 6 })
    }
  }, 3_600_000)
})
