import { cp, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { kill, send } from '../support/fake-actions.js'
import { type Finished, readMaildir, readMboxrd } from '../support/rig.js'
import { openImapScene } from './imap-scene.js'
import { openScene, rawControl, type Scene } from './scene.js'
import { copied, files, flip, found, fourMessages, inMaildir, mbox, sound, targets, zip } from './verified.js'

const state = ({ folder }: Scene): string => folder.at('migrate.state')
const retrs = ({ server }: Scene): number => server.lines.filter((line) => line.startsWith('RETR')).length

async function loseState(scene: Scene): Promise<void> {
  await rm(state(scene), { recursive: true })
}

/** `target: found, others`. */
function adopted({ events }: Finished): readonly string[] {
  const told = events.filter(({ type }) => type === 'target.adopted')
  return told.map(({ target, messages, others }) => `${String(target)}: ${String(messages)}, ${String(others)}`)
}

/** Everything is at every target once, and any later run has nothing to do. */
async function expectSound(scene: Scene): Promise<void> {
  expect(found(await scene.run(['verify', '--source', '--json']))).toEqual(sound)
  expect(await readMboxrd(mbox(scene))).toHaveLength(fourMessages.length)
  const before = retrs(scene)
  expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(retrs(scene)).toBe(before)
}

describe.concurrent('run --adopt', { timeout: 60_000 }, () => {
  it('a run without it stops before anything is stored twice, and says what to do (QUIRKS FS-11)', async () => {
    await using scene = await copied()
    await loseState(scene)
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stderr).toContain('`popferry run --adopt`')
    expect(await readMboxrd(mbox(scene))).toHaveLength(4)
    expect(await readMaildir(inMaildir(scene))).toHaveLength(4)
  })

  it('takes for copied what stands at the targets', async () => {
    await using scene = await copied()
    await loseState(scene)
    const run = await scene.run(['run', '--adopt', '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(adopted(run)).toEqual(['maildir: 4, 0', 'mbox: 4, 0', 'eml-zip: 4, 0'])
    expect(run.events.at(-1)).toMatchObject({ exitCode: 0, listed: 4, copied: 0, present: 4 })
    await expectSound(scene)
    expect(await readdir(scene.folder.at('mail'))).toEqual(['alice', 'alice.mbox', 'alice.zip'])
  })

  it('asks for no message whose copies say whose they are, wherever a mail reader has moved them', async () => {
    const [maildir, , archive] = targets
    const plan = (server: { source(): object }): object => ({
      accounts: [{ name: 'alice', source: server.source(), targets: [maildir, archive] }],
    })
    await using scene = await openScene({ messages: fourMessages, plan })
    await scene.run(['run'])
    const [one = ''] = await files(scene)
    await rename(inMaildir(scene, 'new', one), inMaildir(scene, 'cur', `${one}:2,RS`))
    await loseState(scene)
    const before = retrs(scene)
    const run = await scene.run(['run', '--adopt'])
    expect(run).toMatchObject({ code: 0 })
    expect(run.stderr).toBe(
      'alice, target maildir: 4 messages found there\nalice, target eml-zip: 4 messages found there\n',
    )
    expect(run.stdout + run.stderr).not.toMatch(rawControl)
    expect(retrs(scene)).toBe(before)
    expect(found(await scene.run(['verify', '--source', '--json']))).toEqual(sound)
  })

  it('copies what is missing, knows renamed copies by their bytes, and leaves alone what is not ours', async () => {
    await using scene = await copied()
    const [one = '', two = '', three = '', four = ''] = await files(scene)
    await rename(inMaildir(scene, 'new', one), inMaildir(scene, 'cur', '1.restored.host:2,S'))
    await unlink(inMaildir(scene, 'new', two))
    await flip(inMaildir(scene, 'new', four), 9)
    await writeFile(inMaildir(scene, 'new', '2.foreign.host'), 'Subject: foreign\n\nnot ours\n')
    await rm(zip(scene))
    await loseState(scene)
    const run = await scene.run(['run', '--adopt', '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    // The first and one twin; what was changed and what is foreign are the others.
    expect(adopted(run)).toEqual(['maildir: 2, 2', 'mbox: 4, 0', 'eml-zip: 0, 0'])
    expect(run.events.at(-1)).toMatchObject({ listed: 4, copied: 4, present: 0 })
    await expectSound(scene)
    const left = (await readMaildir(inMaildir(scene))).map(({ name }) => name)
    expect(left).toHaveLength(6)
    expect(left).toEqual(expect.arrayContaining(['1.restored.host:2,S', three, four, '2.foreign.host']))
  })

  it('fetches a message that is not as long as its copy: the id may stand for another one', async () => {
    await using scene = await copied()
    const other = 'Subject: another one under the same id\r\n\r\nnew\r\n'
    scene.server.messages = [other, ...fourMessages.slice(1)]
    await loseState(scene)
    const run = await scene.run(['run', '--adopt', '--json'])
    expect(run).toMatchObject({ code: 0 })
    expect(run.events.at(-1)).toMatchObject({ copied: 1, present: 3 })
    expect((await readMaildir(inMaildir(scene))).map(({ bytes }) => String(bytes))).toContain(
      other.replaceAll('\r\n', '\n'),
    )
    expect(found(await scene.run(['verify', '--source', '--json']))).toEqual(sound)
  })

  it('puts an older ledger right, which a run without it does not make worse', async () => {
    await using scene = await copied()
    await cp(state(scene), scene.folder.at('backup'), { recursive: true })
    scene.server.messages = [...fourMessages, 'Subject: since\r\n\r\nthe backup\r\n']
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0 })
    await loseState(scene)
    await rename(scene.folder.at('backup'), state(scene))
    const { code, stderr } = await scene.run(['run', '--quiet'])
    expect(code).toBe(3)
    expect(stderr.match(/--adopt/g)).toHaveLength(3)
    expect(await readMboxrd(mbox(scene))).toHaveLength(5)
    const run = await scene.run(['run', '--adopt', '--json'])
    expect(adopted(run)).toEqual(['maildir: 1, 0', 'mbox: 1, 0', 'eml-zip: 1, 0'])
    expect(await readMboxrd(mbox(scene))).toHaveLength(5)
    expect(found(await scene.run(['verify', '--source', '--json']))).toEqual(sound)
  })

  it.each([1, 2, 3, 4])(
    'killed while it fetches message %i: the next run goes on, with or without --adopt',
    async (number) => {
      await using scene = await copied()
      const [one = '', , , four = ''] = await files(scene)
      for (const name of [one, four]) await unlink(inMaildir(scene, 'new', name))
      await loseState(scene)
      let pid = 0
      scene.server.hooks = { RETR: ({ uidl }) => (uidl === `u${number}` ? [kill(pid)] : undefined) }
      await using running = scene.start(['run', '--adopt', '--quiet'])
      pid = running.pid
      expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
      scene.server.hooks = {}
      const again = await scene.run(['run', '--quiet', ...(number % 2 === 0 ? ['--adopt'] : [])])
      expect(again).toMatchObject({ code: 0, stderr: '' })
      await expectSound(scene)
    },
  )

  it('deletes nothing at the source that it has not compared with its copies', async () => {
    const [maildir] = targets
    const plan = (server: { source(): object }, afterCopy: string): object => ({
      accounts: [{ name: 'alice', source: server.source(), afterCopy, targets: [maildir] }],
    })
    await using scene = await openScene({ messages: fourMessages, plan: (server) => plan(server, 'keep') })
    await scene.run(['run'])
    await loseState(scene)
    await scene.plan(plan(scene.server, 'delete'))
    const before = retrs(scene)
    const { code, events } = await scene.run(['run', '--adopt', '--json'])
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ present: 4, deleted: 4 })
    expect(retrs(scene) - before).toBe(4)
    expect(scene.server.messages).toEqual([])
    expect(await readMaildir(inMaildir(scene))).toHaveLength(4)
  })

  it('keeps what a target had refused, though nothing speaks of it any more', async () => {
    await using scene = await copied()
    const quarantine = scene.folder.at('migrate.state', 'quarantine')
    const name = `${'a'.repeat(32)}-${'b'.repeat(32)}.eml`
    await mkdir(quarantine, { recursive: true })
    await writeFile(`${quarantine}/${name}`, 'the only copy')
    await rm(scene.folder.at('migrate.state', 'ledger.db'))
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.find(({ type }) => type === 'warning')).toMatchObject({ code: 'quarantine-unclaimed' })
    for (const args of [['run', '--adopt'], ['run']]) expect(await scene.run(args)).toMatchObject({ code: 0 })
    expect(await readFile(`${quarantine}/unclaimed-${name}`, 'utf8')).toBe('the only copy')
  })

  it('does no harm where nothing was lost', async () => {
    await using scene = await copied()
    const run = await scene.run(['run', '--adopt', '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(adopted(run)).toEqual(['maildir: 0, 0', 'mbox: 0, 0', 'eml-zip: 0, 0'])
    await expectSound(scene)
  })

  it('is not over while a message is outstanding: any run goes on with it', async () => {
    await using scene = await copied()
    await loseState(scene)
    scene.server.hooks = { RETR: ({ uidl }) => (uidl === 'u2' ? [send('-ERR not now\r\n')] : undefined) }
    expect((await scene.run(['run', '--adopt', '--quiet'])).code).not.toBe(0)
    scene.server.hooks = {}
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    await expectSound(scene)
  })

  it('is refused with --dry-run', async () => {
    await using scene = await copied()
    expect(await scene.run(['run', '--adopt', '--dry-run'])).toMatchObject({ code: 2, stdout: '' })
  })

  it('of an IMAP folder, killed in the middle', async () => {
    await using scene = await openImapScene()
    await scene.run(['run'])
    scene.imap.store.remove('INBOX', 2)
    scene.imap.store.add('INBOX', { bytes: Buffer.from('Subject: foreign\r\n\r\nx\r\n'), flags: [], date: undefined })
    await loseState(scene)
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 3 })
    let pid = 0
    scene.server.hooks = { RETR: ({ uidl }) => (uidl === 'u3' ? [kill(pid)] : undefined) }
    await using running = scene.start(['run', '--adopt', '--quiet'])
    pid = running.pid
    expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
    scene.server.hooks = {}
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(scene.stored()).toHaveLength(4)
    expect(found(await scene.run(['verify', '--source', '--json']))).toEqual(sound)
  })
})
