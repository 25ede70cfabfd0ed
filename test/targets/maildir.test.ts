import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/message.js'
import { describeTarget } from '../contract/target.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
import { canMount, hasPython, isRoot, mountTmpfs, remount } from '../support/machine.js'
import { letter, letterDate, message, oddMail } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { maildirFiles, maildirHarness, maildirTarget } from './maildir-place.js'

describeTarget('a Maildir', maildirHarness())
describeTarget('a Maildir with CRLF', maildirHarness({ newline: 'crlf' }))
describeTarget('a Maildir of read messages in a subfolder', maildirHarness({ seen: true, folder: 'Archive/2026' }))

let folder: TemporaryFolder
let path: string
let ledger: MemoryLedger

beforeEach(async () => {
  folder = await memoryFolder()
  path = join(folder.path, 'Maildir')
  ledger = new MemoryLedger()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

const one = message('one', letter('one'))
const two = message('two', letter('two'))
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

function nameOf({ key, sha256: digest }: Message, seconds = Date.parse(letterDate) / 1000, origin = 'alice'): string {
  const account = sha256(Buffer.from(`${origin}\0${key}`, 'latin1'))
  return `${seconds}.K${account.slice(0, 20)}D${digest.slice(0, 20)}.popferry`
}

describe('the files of a Maildir', () => {
  it.each([
    ['received', `Received: x; ${letterDate}\r\nDate: Fri, 2 Jan 1970 00:00:00 +0000\r\n\r\n`, 1_094_112_000, []],
    ['date', `Received: x; ${letterDate}\r\nDate: Fri, 2 Jan 1970 00:00:00 +0000\r\n\r\n`, 86_400, []],
    ['now', 'Subject: a\r\n\r\n', Date.UTC(2026, 0, 1) / 1000, []],
    ['received', 'Subject: a\r\n\r\n', 0, ['date-missing']],
    ['received', 'Subject: a\n\n', 0, ['date-missing', 'lossy-form']],
  ] as const)('by date rule %s: name and mtime for %j (QUIRKS MDR-09)', async (date, text, seconds, flags) => {
    const odd = message('\xff\n2', text)
    const [receipt] = await deliver(maildirTarget({ path, date }), ledger, [odd])
    expect(receipt).toMatchObject({ where: nameOf(odd, seconds), flags })
    const file = join(path, 'new', nameOf(odd, seconds))
    expect((await stat(file)).mtimeMs).toBe(seconds * 1000)
    expect(receipt?.stored).toBe(text.includes('\r') ? undefined : sha256(await readFile(file)))
  })

  it('have names that any disk takes, and no sizes in them that could be wrong (QUIRKS MDR-05, MDR-08)', async () => {
    await deliver(maildirTarget({ path }), ledger, [one, message('\xff:/\\\n2', 'Subject: a:b\r\n\r\n')])
    const names = await readdir(join(path, 'new'))
    expect(names).toHaveLength(2)
    for (const name of names) expect(name).toMatch(/^\d+\.K[0-9a-f]{20}D[0-9a-f]{20}\.popferry$/)
  })

  it('go to cur/ as read where the plan says so', async () => {
    await deliver(maildirTarget({ path, seen: true }), ledger, [one])
    expect(await readdir(join(path, 'cur'))).toEqual([`${nameOf(one)}:2,S`])
  })

  it('have exactly their mode, whatever the umask (QUIRKS FS-10)', async () => {
    const before = process.umask(0)
    await deliver(maildirTarget({ path }), ledger, [one])
    process.umask(0o077)
    await deliver(maildirTarget({ path, mode: '0664' }), ledger, [two, message('parts', letter('parts'), 9)])
    process.umask(before)
    const modes = await Promise.all((await maildirFiles(path)).map(async ({ file }) => (await stat(file)).mode & 0o777))
    expect(modes.toSorted()).toEqual([0o600, 0o664, 0o664])
    for (const part of ['.', 'tmp', 'new', 'cur']) expect((await stat(join(path, part))).mode & 0o777).toBe(0o700)
  })

  it.skipIf(!isRoot)('belong to the owner in the plan, folders included (skipped unless root)', async () => {
    await deliver(maildirTarget({ path, folder: 'A', owner: '1234:2345' }), ledger, [one])
    const made = [
      '',
      'new',
      'cur',
      'tmp',
      '.A',
      '.A/new',
      '.A/cur',
      '.A/tmp',
      '.A/maildirfolder',
      `.A/new/${nameOf(one)}`,
    ]
    for (const name of made) expect(await stat(join(path, name)), name).toMatchObject({ uid: 1234, gid: 2345 })
  })

  it.skipIf(!hasPython)('are read by the mailbox module of Python 3 (skipped without python3)', async () => {
    await deliver(
      maildirTarget({ path }),
      ledger,
      oddMail.map(([name, bytes]) => message(name, bytes)),
    )
    const program = `import hashlib, mailbox, sys
box = mailbox.Maildir(sys.argv[1], create=False)
for key in box.iterkeys(): print(hashlib.sha256(box.get_bytes(key)).hexdigest())`
    const digests = execFileSync('python3', ['-c', program, path]).toString().trim().split('\n')
    const expected = oddMail.map(([, bytes]) => sha256(maildirHarness().form(bytes)))
    expect(digests.toSorted()).toEqual(expected.toSorted())
  })
})

describe('a Maildir and its mail reader (QUIRKS MDR-04)', () => {
  const read = async (message_: Message): Promise<void> =>
    rename(join(path, 'new', nameOf(message_)), join(path, 'cur', `${nameOf(message_)}:2,FS`))

  it('finds a message again in cur/', async () => {
    await deliver(maildirTarget({ path }), ledger, [one])
    await read(one)
    expect(await readBack(maildirTarget({ path }), ledger)).toEqual(['intact'])
  })

  it('claims a message that was moved before the next run', async () => {
    await deliver(maildirTarget({ path }), ledger, [one], { kill: 2 })
    await read(one)
    await deliver(maildirTarget({ path }), ledger, [one])
    expect((await maildirFiles(path)).map(({ part, name }) => `${part}/${name}`)).toEqual([`cur/${nameOf(one)}:2,FS`])
    expect(await readBack(maildirTarget({ path }), ledger)).toEqual(['intact'])
  })

  it('claims a message that is moved while the next run is fetching', async () => {
    await deliver(maildirTarget({ path }), ledger, [one], { kill: 2 })
    await using writer = await maildirTarget({ path }).open(lane, await ledger.load(lane), signal)
    await read(one)
    expect((await writer.append(one)).where).toBe(nameOf(one))
    expect(await maildirFiles(path)).toHaveLength(1)
  })

  it('reads on where a message is moved in the middle of it', async () => {
    await deliver(maildirTarget({ path }), ledger, [one, two])
    const states: string[] = []
    for await (const { state } of maildirTarget({ path }).read(lane, await ledger.load(lane), ledger.receipts(lane))) {
      states.push(state)
      if (states.length === 1) await read(two)
    }
    expect(states).toEqual(['intact', 'intact'])
  })
})

describe('what stands in tmp/ (QUIRKS MDR-03)', () => {
  it('is removed if a killed run left it for an announced message, else it stays', async () => {
    await deliver(maildirTarget({ path }), ledger, [one], { kill: 1 })
    const others = ['1.M2P3.host', nameOf(one, 1, 'bob'), nameOf(two), `${nameOf(one)}.txt`]
    for (const name of [nameOf(one), nameOf(one, 7), ...others]) await writeFile(join(path, 'tmp', name), 'half')
    await deliver(maildirTarget({ path }), ledger, [one])
    expect((await readdir(join(path, 'tmp'))).toSorted()).toEqual(others.toSorted())
    expect(await readBack(maildirTarget({ path }), ledger)).toEqual(['intact'])
  })

  it('is never followed if it is a link (QUIRKS FS-10)', async () => {
    const victim = join(folder.path, 'victim')
    await writeFile(victim, 'precious')
    await deliver(maildirTarget({ path }), ledger, [two])
    await symlink(victim, join(path, 'tmp', nameOf(one)))
    await expect(deliver(maildirTarget({ path }), ledger, [one])).rejects.toMatchObject({ code: 'io' })
    await rm(join(path, 'tmp', nameOf(one)), { force: true })
    await symlink(victim, join(path, 'new', nameOf(one)))
    await deliver(maildirTarget({ path }), ledger, [one])
    expect(await readFile(victim, 'utf8')).toBe('precious')
    expect((await lstat(join(path, 'new', nameOf(one)))).isFile()).toBe(true)
  })
})

describe('the folders of a Maildir (QUIRKS MDR-07)', () => {
  it.each([
    ['Archive/2026', '.Archive.2026'],
    ['Entwürfe', '.Entw&APw-rfe'],
    ['台北/日本語', '.&U,BTFw-.&ZeVnLIqe-'],
    ['A&B ~', '.A&-B ~'],
    ['😀', '.&2D3eAA-'],
  ])('%s is %s, with its maildirfolder', async (name, expected) => {
    await deliver(maildirTarget({ path, folder: name }), ledger, [one])
    expect((await readdir(path)).toSorted()).toEqual([expected, 'cur', 'new', 'tmp'])
    expect((await readdir(join(path, expected))).toSorted()).toEqual(['cur', 'maildirfolder', 'new', 'tmp'])
    expect((await stat(join(path, expected, 'maildirfolder'))).mode & 0o777).toBe(0o600)
  })

  it.each([[[]], [['tmp']], [['tmp', 'new']], [['new', 'cur']]])(
    'are completed where a killed run had made %j',
    async (made) => {
      for (const part of made) await mkdir(join(path, '.A', part), { recursive: true })
      await deliver(maildirTarget({ path, folder: 'A' }), ledger, [one])
      expect(await readBack(maildirTarget({ path, folder: 'A' }), ledger)).toEqual(['intact'])
      // With new/ or cur/ it was complete already, and what somebody else made stays as it is.
      const names = (await readdir(join(path, '.A'))).filter((name) => name === 'maildirfolder')
      expect(names).toHaveLength(made.includes('new') ? 0 : 1)
    },
  )

  it.each([
    ['other files', async () => writeFile(join(path, 'letter.txt'), '')],
    ['new/ as a file', async () => writeFile(join(path, 'new'), '')],
    ['cur/ as a link to somewhere else', async () => symlink('/', join(path, 'cur'))],
    [
      'tmp/ as a file beside the others',
      async () => writeFile(join(path, 'tmp'), '').then(async () => mkdir(join(path, 'new'))),
    ],
  ])('are refused where there is %s', async (_, plant) => {
    await mkdir(path)
    await plant()
    const before = await readdir(path)
    await expect(deliver(maildirTarget({ path }), ledger, [one])).rejects.toMatchObject({ code: 'not-a-maildir' })
    expect(await readdir(path)).toEqual(before)
  })

  it('are refused where a file has the name of the Maildir', async () => {
    await writeFile(path, '')
    await expect(deliver(maildirTarget({ path }), ledger, [one])).rejects.toMatchObject({ code: 'not-a-maildir' })
  })

  it('may be reached by a link, which is the same place', async () => {
    await mkdir(path)
    await symlink(path, join(folder.path, 'link'))
    const byLink = maildirTarget({ path: join(folder.path, 'link') })
    expect(byLink.place).toBe(maildirTarget({ path }).place)
    await deliver(byLink, ledger, [one])
    await deliver(maildirTarget({ path }), ledger, [two])
    expect(await readBack(byLink, ledger)).toEqual(['intact', 'intact'])
  })
})

describe('a series of Maildirs', () => {
  const at = (run: string): string => join(folder.path, run)
  const series = (run: string) => maildirTarget({ path: at(run) }, { series: join(folder.path, '{run}'), run })

  it('has one place, and only new messages go to each new one', async () => {
    await deliver(series('1'), ledger, [one])
    await deliver(series('2'), ledger, [two])
    expect(series('1').place).toBe(series('2').place)
    expect((await receiptsOf(ledger)).map(({ where }) => where)).toEqual([
      `${at('1')}/${nameOf(one)}`,
      `${at('2')}/${nameOf(two)}`,
    ])
    await rm(at('1'), { recursive: true })
    expect(await readBack(series('3'), ledger)).toEqual(['missing', 'intact'])
  })

  it.each([1, 2, 3, 4])('claims what a killed run left in its own: after step %i', async (kill) => {
    await deliver(series('1'), ledger, [one, two], { kill })
    await deliver(series('2'), ledger, [one, two])
    const files = (await Promise.all(['1', '2'].map(async (run) => maildirFiles(at(run))))).flat()
    expect(files).toHaveLength(2)
    expect(await readBack(series('3'), ledger)).toEqual(['intact', 'intact'])
  })
})

describe('the place of a lane', () => {
  it('is not where it was before it moved, as long as it has no receipts', async () => {
    await deliver(maildirTarget({ path }), ledger, [one], { kill: 2 })
    const moved = maildirTarget({ path: join(folder.path, 'moved') })
    await deliver(moved, ledger, [one])
    expect(await readBack(moved, ledger)).toEqual(['intact'])
  })

  it('may be shared with another account, also of the same messages (QUIRKS MDR-01)', async () => {
    const target = maildirTarget({ path })
    const bob = new MemoryLedger()
    await deliver(target, ledger, [one], { kill: 2 })
    await using writer = await target.open(lane, { ...(await bob.load(lane)), origin: 'bob' }, signal)
    expect((await writer.append(one)).where).toBe(nameOf(one, undefined, 'bob'))
    await writer[Symbol.asyncDispose]()
    await deliver(target, ledger, [one])
    expect(await maildirFiles(path)).toHaveLength(2)
  })
})

describe.skipIf(!canMount)('a Maildir on a disk of its own (skipped unless root may mount one)', () => {
  const disks: Disposable[] = []

  afterEach(() => {
    disks.pop()?.[Symbol.dispose]()
  })

  const many = Array.from({ length: 60 }, (_, index) => message(`m${index}`, letter(`number ${index}`, 8192)))

  it.each([
    ['space', 'size=256k'],
    ['inodes', 'size=4m,nr_inodes=30'],
  ])('has no half messages when the %s ends, and goes on later (QUIRKS MDR-10, FS-01)', async (_, options) => {
    disks.push(mountTmpfs(folder.path, options))
    const full = deliver(maildirTarget({ path }), ledger, many)
    await expect(full).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('inodes') as string,
    })
    for (const { bytes } of await maildirFiles(path)) expect(bytes.length).toBeGreaterThan(8192)
    remount(folder.path, 'size=4m,nr_inodes=200')
    await deliver(maildirTarget({ path }), ledger, many)
    expect(await maildirFiles(path)).toHaveLength(many.length)
    expect(await readBack(maildirTarget({ path }), ledger)).toEqual(many.map(() => 'intact'))
  })

  it('is gone where an empty one took its place in mid-run, though that got what was under way (QUIRKS FS-08)', async () => {
    await deliver(maildirTarget({ path }), ledger, [one])
    await deliver(maildirTarget({ path }), ledger, [two], { kill: 2 })
    await rename(path, `${path}.away`)
    for (const part of ['tmp', 'new', 'cur']) await mkdir(join(path, part), { recursive: true })
    await rename(join(`${path}.away`, 'new', nameOf(two)), join(path, 'new', nameOf(two)))
    for (const offered of [[two], []]) {
      await expect(deliver(maildirTarget({ path }), ledger, offered)).rejects.toMatchObject({ code: 'target-gone' })
    }
    await rm(path, { recursive: true })
    await rename(`${path}.away`, path)
    await deliver(maildirTarget({ path }), ledger, [two])
    expect(await readBack(maildirTarget({ path }), ledger)).toEqual(['intact', 'intact'])
    expect(await readdir(join(path, 'new'))).toHaveLength(2)
  })

  it('is not taken for the one on a disk that went away (QUIRKS FS-08)', async () => {
    await deliver(maildirTarget({ path }), ledger, [one])
    disks.push(mountTmpfs(path, 'size=64k'))
    for (const part of ['tmp', 'new', 'cur']) await mkdir(join(path, part))
    await writeFile(join(path, 'new', 'foreign'), 'Subject: a\n\n')
    await expect(deliver(maildirTarget({ path }), ledger, [two])).rejects.toMatchObject({ code: 'target-gone' })
  })

  it('is not writable on a read-only disk (QUIRKS FS-05)', async () => {
    disks.push(mountTmpfs(folder.path, 'size=64k'))
    await deliver(maildirTarget({ path }), ledger, [one])
    remount(folder.path, 'ro')
    await expect(deliver(maildirTarget({ path }), ledger, [two])).rejects.toMatchObject({ code: 'not-writable' })
  })
})

describe('what stands there and no receipt speaks of', () => {
  /** A name of ours that 48 bits do not tell from that of a message. */
  const near = (message: Message): string => nameOf(message).replace(/(?<=K.{12}).{8}(?=D)/, 'f'.repeat(8))

  it('is told from the first messages by the whole of its name', async () => {
    await mkdir(join(path, 'cur'), { recursive: true })
    await writeFile(join(path, 'cur', `${near(one)}:2,S`), 'somebody else’s')
    await deliver(maildirTarget({ path }), ledger, [one])
    expect(await readBack(maildirTarget({ path }), ledger)).toEqual(['intact'])
    ledger = new MemoryLedger()
    await expect(deliver(maildirTarget({ path }), ledger, [one])).rejects.toMatchObject({ code: 'ledger-missing' })
  })

  it('is looked through for as long as that gets on, and a disk that cannot be read fails the target', async () => {
    await deliver(maildirTarget({ path }), new MemoryLedger(), [two])
    let gotOn = 0
    const progress = await ledger.load(lane)
    await using writer = await maildirTarget({ path }).open(lane, progress, signal, () => gotOn++)
    await rename(join(path, 'cur'), join(path, 'tmp', 'away'))
    await writeFile(join(path, 'cur'), '')
    await expect(writer.admit([one])).rejects.toMatchObject({ code: 'io', scope: 'target' })
    expect(gotOn).toBe(1)
  })
})
