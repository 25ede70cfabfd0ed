import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { Random } from '../../src/sample/random.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { type Finished, runPopferry, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import { contentsOf, messagesOf, volumes } from '../support/zip.js'
import { thorough } from './scene.js'

const seed = Number(process.env['POPFERRY_SEED'] ?? Date.now() % 1_000_000)
const rounds = thorough ? 40 : 2
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Some six volumes, twins among the messages. */
const messages = Array.from({ length: 60 }, (_, index) => {
  const part = `--b\r\nContent-Type: a/b; name="${index}.bin"\r\n\r\n${`${index % 50} ${'x'.repeat(60)}\r\n`.repeat(200)}--b--\r\n`
  return `Subject: no ${index % 50}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${part}`
})

/** Kills the run at so many changes in the folder of the volumes; undefined where it came to its end before. */
async function runUntil(change: number, folder: TempFolder): Promise<Finished> {
  await using running = startPopferry(['run', '--quiet'], { cwd: folder.path })
  const seen = watch(folder.at('zips'))
  try {
    let changes = 0
    seen.on('change', () => {
      if (++changes === change) running.kill()
    })
    return await running.finished
  } finally {
    seen.close()
  }
}

/** Whatever has a volume's name is one, whole, and as it was when it was first seen. */
async function requireVolumes(archive: string, known: Map<string, string>): Promise<void> {
  const present = await volumes(archive)
  expect(present).toEqual(expect.arrayContaining([...known.keys()]))
  for (const path of present) {
    const bytes = await readFile(path)
    expect(digest(bytes), path).toBe(known.get(path) ?? digest(bytes))
    known.set(path, digest(bytes))
    await contentsOf(path)
  }
}

it(`ZIP-01 killed at random instants while volumes are built, seed ${seed}: whole volumes, each message once`, async () => {
  const random = new Random(seed)
  await using server = await FakePop3Server.start({ messages })
  for (let round = 0; round < rounds; round++) {
    await using folder = await tempFolder()
    await mkdir(folder.at('zips'))
    const targets = [
      { type: 'eml-zip', path: 'zips/mail.zip', volumeSize: '128KB', compression: round % 2 === 0 ? 6 : 0 },
    ]
    await writePlan(folder, { state: 'state', accounts: [{ name: 'alice', source: server.source(), targets }] })
    const known = new Map<string, string>()
    let killed = 0
    for (let run = 0; run < 30; run++) {
      // Longer and longer, so that it comes to an end.
      const { signal, code, stderr } = await runUntil(1 + random.below(15 + 12 * run), folder)
      await requireVolumes(folder.at('zips', 'mail.zip'), known)
      if (signal === null) {
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        break
      }
      killed++
    }
    expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
    await requireVolumes(folder.at('zips', 'mail.zip'), known)
    const stored = (await messagesOf(folder.at('zips', 'mail.zip'))).map(({ bytes }) => digest(bytes))
    expect(stored.toSorted(), `round ${round}, ${killed} kills`).toEqual(
      messages.map((text) => digest(Buffer.from(text))).toSorted(),
    )
    expect((await readdir(folder.at('zips'))).filter((name) => name.startsWith('.'))).toEqual([])
    const [lane = ''] = await readdir(folder.at('state', 'staging'))
    expect(await readdir(folder.at('state', 'staging', lane))).toEqual([])
  }
}, 3_600_000)
