import { createHash } from 'node:crypto'
import { existsSync, watch } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Random } from '../../src/sample/random.js'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { oddMail } from '../support/mail.js'
import { type Digests, findPython, readByPop3, readByPython } from '../support/readers.js'
import { realisticMail } from '../support/realistic-mail.js'
import { runPopferry, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import { snapshot } from '../support/snapshot.js'

const { missing } = { ...(await findPython()), ...(await findDovecot()) } as { readonly missing?: string }
const messages = 2_100 + oddMail.length
const killSeed = Number(process.env['POPFERRY_SEED'] ?? Date.now() % 1_000_000)

let dovecot: Dovecot
/** What the server sends. */
let sent: Digests

describe('a maildrop of many years in a real Dovecot, over TLS into a Maildir and an mbox', () => {
  let folder: TempFolder

  beforeEach(({ skip }) => {
    skip(missing !== undefined, missing)
  })

  beforeAll(async () => {
    if (missing !== undefined) return
    folder = await tempFolder()
    dovecot = await Dovecot.start({ users: { alice: 'maildir', maildir: 'maildir', mbox: 'mbox' } })
    await dovecot.fill('alice', realisticMail(2_100, 1939))
    await dovecot.fill(
      'alice',
      oddMail.map(([, bytes]) => bytes),
    )
    sent = await readByPop3(dovecot, 'alice')
    await plan(folder)
  }, 120_000)

  afterAll(async () => {
    if (missing !== undefined) return
    await dovecot[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  it('copies all of it in one pass', async () => {
    const { code, stderr, events } = await runPopferry(['run', '--json'], { cwd: folder.path })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', listed: messages, copied: messages, failed: 0 })
    expect(sent.exact).toHaveLength(messages)
    // The reader's session and ours: each message was fetched once for both targets.
    expect(await dovecot.retrieved('alice', 2)).toEqual([messages, messages])
  }, 60_000)

  it.each(['maildir', 'mbox'] as const)(
    'leaves a %s in which Python finds every message',
    async (kind) => {
      expect(await readByPython(kind, folder.at('archive', kind))).toEqual(sent)
    },
    60_000,
  )

  it.each(['maildir', 'mbox'] as const)(
    'leaves a %s from which Dovecot serves every message',
    async (kind) => {
      await dovecot.adopt(kind, folder.at('archive', kind))
      const served = await readByPop3(dovecot, kind, kind === 'mbox' ? 'pop3-mbox' : 'pop3')
      expect(served.shown).toEqual(sent.shown)
    },
    60_000,
  )

  it('fetches nothing in a second run and changes nothing', async () => {
    const before = await snapshot(folder.at('archive'))
    const sessions = (await dovecot.retrieved('alice', 2)).length
    const { code, events } = await runPopferry(['run', '--json'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ listed: messages, copied: 0, present: messages })
    expect((await dovecot.retrieved('alice', sessions + 1)).at(-1)).toBe(0)
    expect(await snapshot(folder.at('archive'))).toEqual(before)
  }, 60_000)

  it(`delivers each message exactly once though it is killed ten times (seed ${killSeed})`, async () => {
    process.stdout.write(`Kills at random moments: POPFERRY_SEED=${killSeed}\n`)
    await using scene = await tempFolder()
    await plan(scene)
    const foreign = await strangers(scene)
    const random = new Random(killSeed)
    // A message makes four changes or more: all kills together come before the end of the mail.
    for (let kill = 0; kill < 10; kill++) await runUntilChange(scene, 1 + random.below(800))
    const { code, events } = await runPopferry(['run', '--json'], { cwd: scene.path })
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', listed: messages, failed: 0 })
    // Several were killed while they fetched messages, not only before or after.
    const interrupted = dovecot.log.filter((line) => /pop3\(alice\).* Connection closed .*retr=[1-9]/.test(line))
    expect(interrupted.length).toBeGreaterThanOrEqual(5)

    for (const kind of ['maildir', 'mbox'] as const) {
      const found = await readByPython(kind, scene.at('archive', kind))
      expect(found.exact, kind).toEqual([...sent.exact, foreign[kind]].toSorted())
    }
    expect(await readFile(scene.at('archive/maildir/cur/foreign:2,S'), 'latin1')).toBe(stranger)
    expect((await readFile(scene.at('archive/mbox'), 'latin1')).startsWith(strangerInMbox)).toBe(true)
    // Nothing but what the run without kills left as well, and what was not ours.
    expect(await readdir(scene.at('archive/maildir/tmp'))).toEqual(['foreign'])
    expect(await readdir(scene.at('archive'))).toEqual(await readdir(folder.at('archive')))
    expect(await readdir(scene.at('migrate.state'), { recursive: true })).toEqual(
      await readdir(folder.at('migrate.state'), { recursive: true }),
    )
  }, 120_000)

  it('copies what arrives later, and only that', async () => {
    const late = ['Subject: late\r\n\r\nFrom afar\r\n', 'Subject: later\r\n\r\n.\r\n']
    await dovecot.fill('alice', late)
    const before = await snapshot(folder.at('archive/maildir'))
    const { code, events } = await runPopferry(['run', '--json'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ listed: messages + 2, copied: 2, present: messages })
    const after = await snapshot(folder.at('archive/maildir'))
    const changed = [...after].filter(([path, state]) => before.get(path) !== state)
    expect([changed.length, after.size - before.size]).toEqual([2, 2])
    const all = [...sent.exact, ...late.map((text) => createHash('sha256').update(text).digest('hex'))]
    for (const kind of ['maildir', 'mbox'] as const) {
      expect((await readByPython(kind, folder.at('archive', kind))).exact, kind).toEqual(all.toSorted())
    }
  }, 60_000)
})

async function plan(folder: TempFolder): Promise<void> {
  const targets = ['maildir', 'mbox'].map((type) => ({ type, path: `archive/${type}` }))
  await writePlan(folder, {
    // A killed session may hold the maildrop a moment longer.
    retry: { minDelay: '10ms', maxDelay: '100ms' },
    accounts: [{ name: 'alice', source: dovecot.source('alice'), targets }],
  })
}

/** Runs the program and kills it at the so many-th change in the folders that it writes to. */
async function runUntilChange(folder: TempFolder, number: number): Promise<void> {
  await using running = startPopferry(['run', '--json'], { cwd: folder.path })
  const over = new AbortController()
  let changes = 0
  for (const part of ['.', 'archive', 'archive/maildir/tmp', 'archive/maildir/new', 'migrate.state']) {
    if (!existsSync(folder.at(part))) continue
    watch(folder.at(part), { signal: over.signal }, () => {
      if (++changes === number) running.kill('SIGKILL')
    })
  }
  const { code, signal, stderr } = await running.finished
  over.abort()
  expect({ code, signal, stderr }).toEqual({ code: null, signal: 'SIGKILL', stderr: '' })
}

/** Puts mail and a half-written file of other programs where the targets will be; gives the digests of the mail. */
async function strangers(folder: TempFolder): Promise<Readonly<Record<'maildir' | 'mbox', string>>> {
  for (const part of ['tmp', 'new', 'cur']) await mkdir(folder.at('archive/maildir', part), { recursive: true })
  await writeFile(folder.at('archive/maildir/cur/foreign:2,S'), stranger)
  await writeFile(folder.at('archive/maildir/tmp/foreign'), 'half')
  await appendFile(folder.at('archive/mbox'), strangerInMbox)
  const read = async (kind: 'maildir' | 'mbox'): Promise<string> => {
    const { exact } = await readByPython(kind, folder.at('archive', kind))
    return exact.join()
  }
  return { maildir: await read('maildir'), mbox: await read('mbox') }
}

const stranger = 'Subject: foreign\n\nNot ours\n'
const strangerInMbox = `From someone Thu Jan  1 00:00:00 1970\n${stranger}\n`
