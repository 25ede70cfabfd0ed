import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { asFault } from '../../src/ports/fault.js'
import { describeTarget } from '../contract/target.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
import { hasPython, isRoot } from '../support/machine.js'
import { letter, message, oddMail } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { foreignMessage, mboxHarness, mboxTarget, readMbox, whereIs } from './mbox-place.js'

const variants = ['mboxrd', 'mboxo', 'mboxcl2'] as const

for (const variant of variants) {
  for (const newline of ['lf', 'crlf'] as const) {
    describeTarget(`${variant} with ${newline}`, mboxHarness({ variant, newline }))
  }
}

let folder: TemporaryFolder
let path: string
let ledger: MemoryLedger

beforeEach(async () => {
  folder = await memoryFolder()
  path = join(folder.path, 'mail.mbox')
  ledger = new MemoryLedger()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

describe('what an mbox holds', () => {
  const head = 'Return-Path: <a@b.example>\r\nDate: Sun, 1 Jan 2006 00:00:00 +0000\r\n\r\n'
  const from = 'From a@b.example Sun Jan  1 00:00:00 2006\n'
  const stored = head.replaceAll('\r\n', '\n')

  it.each([
    ['mboxrd', `${from}${stored}>From x\n>>From y\n.\nno end\n\n${from}${stored}\n`],
    ['mboxo', `${from}${stored}>From x\n>From y\n.\nno end\n\n${from}${stored}\n`],
    [
      'mboxcl2',
      `${from}Content-Length: 24\n${stored}From x\n>From y\n.\nno end\n\n${from}Content-Length: 0\n${stored}\n`,
    ],
  ] as const)('%s, octet by octet (QUIRKS MBX-01, MBX-04, MBX-05)', async (variant, expected) => {
    const text = `${head}From x\r\n>From y\r\n.\r\nno end`
    await deliver(mboxTarget({ path, variant }), ledger, [message('a', text), message('b', head)])
    expect((await readFile(path)).toString('latin1')).toBe(expected)
  })

  it.each([
    ['received', head, 'From a@b.example Sun Jan  1 00:00:00 2006', []],
    [
      'received',
      `Received: x; Mon, 2 Jan 2006 01:00:00 +0100\r\n${head}`,
      'From a@b.example Mon Jan  2 00:00:00 2006',
      [],
    ],
    ['date', `Received: x; Mon, 2 Jan 2006 01:00:00 +0100\r\n${head}`, 'From a@b.example Sun Jan  1 00:00:00 2006', []],
    ['now', head, 'From a@b.example Thu Jan  1 00:00:00 2026', []],
    ['received', 'Subject: a\r\n\r\n', 'From MAILER-DAEMON Thu Jan  1 00:00:00 1970', ['date-missing']],
    ['received', 'Return-Path: <a b\r\n c>\r\n\r\n', 'From MAILER-DAEMON Thu Jan  1 00:00:00 1970', ['date-missing']],
  ] as const)('by date rule %s: a From_ line for %j (QUIRKS MBX-03)', async (date, text, fromLine, flags) => {
    const zone = process.env['TZ']
    process.env['TZ'] = 'Pacific/Auckland'
    const [receipt] = await deliver(mboxTarget({ path, date }), ledger, [message('a', text)])
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
    expect((await readMbox(path, 'mboxrd'))[0]?.fromLine).toBe(fromLine)
    expect(receipt?.flags).toEqual(flags)
  })

  it.each([
    ['mboxrd', 'lf', 'a\r\nb', ['newline-added']],
    ['mboxrd', 'lf', 'a\nb\r\n', ['lossy-form']],
    ['mboxrd', 'crlf', 'a\nb\r\n', []],
    ['mboxo', 'crlf', '>From a\r\nb', ['newline-added', 'lossy-form']],
    ['mboxo', 'crlf', 'From a\r\n', []],
    ['mboxcl2', 'lf', '>From a\r\n', []],
    ['mboxrd', 'crlf', '', ['newline-added']],
  ] as const)('%s with %s flags %j as %j', async (variant, newline, body, flags) => {
    const text = body === '' ? '' : `${head}${body}`
    const [receipt] = await deliver(mboxTarget({ path, variant, newline }), ledger, [message('a', text)])
    expect(receipt?.flags.filter((flag) => flag !== 'date-missing')).toEqual(flags)
    expect(receipt?.stored !== undefined).toBe(receipt?.flags.includes('lossy-form'))
  })

  it('keeps offsets beyond 4 GiB (QUIRKS MBX-10)', async () => {
    await deliver(mboxTarget({ path }), ledger, [message('a', letter('a'))])
    await truncate(path, 5 * 2 ** 30)
    await deliver(mboxTarget({ path }), ledger, [message('b', letter('b'))])
    expect(whereIs((await receiptsOf(ledger))[1]!).offset).toBe(5 * 2 ** 30 + 2)
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(['intact', 'intact'])
  })

  it.skipIf(!hasPython).each(['mboxrd', 'mboxo'] as const)(
    '%s is read by the mailbox module of Python 3 (skipped without python3)',
    async (variant) => {
      const messages = oddMail.map(([name, bytes]) => message(name, bytes))
      await deliver(mboxTarget({ path, variant }), ledger, messages)
      const program = `import hashlib, mailbox, sys
box = mailbox.mbox(sys.argv[1], create=False)
for key in box.iterkeys(): print(hashlib.sha256(box.get_bytes(key)).hexdigest())`
      const digests = execFileSync('python3', ['-c', program, path]).toString().trim().split('\n')
      const expected = oddMail.map(([, bytes]) => sha256(mboxHarness({ variant }).form(bytes)))
      expect(digests).toEqual(expected)
    },
  )
})

describe('headers that fool the readers of an mbox (QUIRKS MSG-09)', () => {
  const fooling = [
    ...['Content-Length: 5', 'Lines: 1', 'Status: RO', 'X-Status: F', 'X-UID: 7', 'X-IMAP: 1 2', 'X-Keywords: a'],
    ...['Subject: one', '', 'Longer than five octets.', 'From here on', ''],
  ].join('\r\n')
  const messages = [fooling, letter('two'), letter('three')].map((text, index) => message(`m${index}`, text))

  it.each(variants)('%s: stay as they are, and mislead nobody', async (variant) => {
    await deliver(mboxTarget({ path, variant }), ledger, messages)
    expect(await readBack(mboxTarget({ path, variant }), ledger)).toEqual(['intact', 'intact', 'intact'])
    for (const line of fooling.split('\r\n', 7)) expect((await readFile(path, 'latin1')).split('\n')).toContain(line)
    if (!hasPython || variant === 'mboxcl2') return
    const count = 'import mailbox, sys; print(len(mailbox.mbox(sys.argv[1], create=False)))'
    expect(execFileSync('python3', ['-c', count, path]).toString().trim()).toBe('3')
  })
})

describe('an mbox that was there before', () => {
  const start = 'From x@y Thu Jan  1 00:00:00 1970\nSubject: old\n\n'

  it.each([
    ['ends in a blank line', `${start}text\n\n`, ''],
    ['ends in a newline', `${start}text\n`, '\n'],
    ['ends without a newline', `${start}text`, '\n\n'],
    ['ends in CRLF', `${start}text\r\n`, '\n'],
    ['ends in a blank CRLF line', `${start}text\r\n\r\n`, ''],
    ['is a From_ line without an end', 'From x', '\n\n'],
    ['is empty', '', ''],
  ])('%s: is appended to and never changed (QUIRKS MBX-04, MBX-06)', async (_, before, separator) => {
    await writeFile(path, before, { mode: 0o640 })
    await deliver(mboxTarget({ path }), ledger, [message('a', letter('a'))])
    const now = (await readFile(path)).toString('latin1')
    expect(now.slice(0, before.length)).toBe(before)
    expect(now.slice(before.length)).toMatch(new RegExp(`^${separator}From ada@harbour.example `))
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(await readBack(mboxTarget({ path }), ledger)).toEqual(['intact'])
  })

  it.each([
    ['a folder', async () => mkdir(path)],
    ['a FIFO', async () => execFileSync('mkfifo', [path])],
    ['a link to an mbox', async () => symlink('other', path)],
    ['a device', async () => symlink('/dev/null', path)],
    ['a text', async () => writeFile(path, 'from x\n')],
    ['a byte', async () => writeFile(path, 'f')],
  ])('is refused where it is %s (QUIRKS MBX-06, FS-10)', async (_, plant) => {
    await writeFile(join(folder.path, 'other'), `${start}text\n`)
    await plant()
    await expect(deliver(mboxTarget({ path }), ledger, [message('a', letter('a'))])).rejects.toMatchObject({
      code: 'not-an-mbox',
    })
    expect(await readFile(join(folder.path, 'other'), 'utf8')).toBe(`${start}text\n`)
    await expect(stat(`${path}.lock`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('knows its own messages in any variant when the ledger was lost', async () => {
    const own = message('b', `${letter('b')}no end`)
    for (const variant of variants) {
      const target = mboxTarget({ path: join(folder.path, variant), variant })
      await deliver(target, new MemoryLedger(), [message('a', letter('a')), own])
      const again = deliver(target, new MemoryLedger(), [own])
      await expect(again).rejects.toMatchObject({ code: 'ledger-missing' })
    }
  })
})

describe('files of an mbox', () => {
  it('have exactly their mode, whatever the umask (QUIRKS FS-10)', async () => {
    path = join(folder.path, 'a', 'b', 'mail.mbox')
    for (const [umask, mode] of [
      [0, '0600'],
      [0o077, '0664'],
    ] as const) {
      const before = process.umask(umask)
      const file = `${path}.${mode}`
      await deliver(mboxTarget({ path: file, mode }), new MemoryLedger(), [message('a', letter('a'))])
      process.umask(before)
      expect((await stat(file)).mode & 0o777).toBe(Number.parseInt(mode, 8))
    }
    expect((await stat(join(folder.path, 'a'))).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder.path, 'a', 'b'))).mode & 0o777).toBe(0o700)
  })

  it.skipIf(!isRoot)(
    'belong to the owner in the plan, with the folders made for them (skipped unless root)',
    async () => {
      path = join(folder.path, 'a', 'mail.mbox')
      await deliver(mboxTarget({ path, owner: '1234:2345' }), ledger, [message('a', letter('a'))])
      for (const made of [path, join(folder.path, 'a')])
        expect(await stat(made)).toMatchObject({ uid: 1234, gid: 2345 })
    },
  )

  it('leave nothing else behind', async () => {
    const writer = await mboxTarget({ path }).open(lane, await ledger.load(lane), signal)
    await writer.append(message('a', letter('a')))
    await writer.commit()
    await writer[Symbol.asyncDispose]()
    expect(await readdir(folder.path)).toEqual(['mail.mbox'])
  })
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe('a large file that is looked through', () => {
  const large = foreignMessage(Buffer.from(letter('large', 3 * 1024 * 1024)), { variant: 'mboxrd', newline: 'lf' })

  it('for strangers counts as getting on with each part of it that is read', async () => {
    await writeFile(path, large)
    let gotOn = 0
    await using writer = await mboxTarget({ path }).open(lane, await ledger.load(lane), signal, () => gotOn++)
    expect(gotOn).toBe(0)
    await writer.admit([message('a', letter('a'))])
    // Its lines first, then its messages.
    expect(gotOn).toBeGreaterThanOrEqual(6)
  })

  it('for what a dead run left does as well', async () => {
    await deliver(mboxTarget({ path }), ledger, [message('a', letter('a'))], { kill: 1 })
    await writeFile(path, large)
    let gotOn = 0
    await using writer = await mboxTarget({ path }).open(lane, await ledger.load(lane), signal, () => gotOn++)
    expect(gotOn).toBeGreaterThanOrEqual(3)
    const opened = gotOn
    // Other bytes than those that were announced: any message there may be its copy.
    await writer.append(message('a', letter('other'))).catch(asFault)
    expect(gotOn - opened).toBeGreaterThanOrEqual(3)
  })
})

it('a disk that cannot be read fails the target, not the program', async () => {
  await writeFile(path, foreignMessage(Buffer.from(letter('foreign')), { variant: 'mboxrd', newline: 'lf' }))
  await using writer = await mboxTarget({ path }).open(lane, await ledger.load(lane), signal)
  const file = await open(path)
  const broken = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
  const reading = vi.spyOn(Object.getPrototypeOf(file) as typeof file, 'read').mockRejectedValue(broken)
  try {
    await expect(writer.admit([message('a', letter('a'))])).rejects.toMatchObject({ code: 'io', scope: 'target' })
  } finally {
    reading.mockRestore()
    await file.close()
  }
})
