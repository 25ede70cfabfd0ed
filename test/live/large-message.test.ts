import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import type { SampleMessage } from '../../src/sample/message.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { peakMemoryMiB } from '../support/machine.js'
import { thorough } from '../fault/scene.js'
import { startPopferry, tempFolder, writePlan } from '../support/rig.js'

const heapMiB = 256
const gigabytes = thorough ? 5 : 1
/** What a run may hold: message bytes as the plan allows by default, the runtime, and what is not collected yet. */
const mostMiB = 64 + 150 + 40

it(`PRC-05, RET-12 copies a message of ${gigabytes} GiB in little memory, to the last byte`, async ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux says in /proc how much memory a process had')
  await using folder = await tempFolder()
  let pid = NaN
  let peakMiB = NaN
  await using server = await FakePop3Server.start({
    messages: [large],
    hooks: {
      // The last word of a session: by now everything is at its targets.
      QUIT: async () => {
        peakMiB = await peakMemoryMiB(pid)
      },
    },
  })
  const targets = ['maildir', 'mbox'].map((type) => ({ type, path: type }))
  await writePlan(folder, { accounts: [{ name: 'alice', source: server.source(), targets }] })

  const env = { NODE_OPTIONS: `--max-old-space-size=${heapMiB}` }
  await using running = startPopferry(['run', '--json'], { cwd: folder.path, env })
  pid = running.pid
  const { code, stderr, events } = await running.finished
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(events.at(-1)).toMatchObject({ type: 'run.finished', copied: 1, bytes: large.size })
  expect(events.filter(({ type }) => type === 'message.flagged')).toEqual([])
  process.stdout.write(`A message of ${large.size} octets was copied in ${Math.round(peakMiB)} MiB of memory.\n`)
  expect(peakMiB).toBeLessThan(mostMiB)

  const [name = ''] = await readdir(folder.at('maildir/new'))
  expect(await digestOf(folder.at('maildir/new', name))).toBe(expectedDigest(asInMaildir))
  expect(await digestOf(folder.at('mbox'))).toBe(expectedDigest(asInMbox, fromLine, '\n'))
  expect(server.retrs(large.uidl)).toBe(1)
  // The copy in the spool is gone.
  expect((await readdir(folder.at('migrate.state'), { recursive: true })).join()).not.toContain('spool/')
}, 3_600_000)

const head = 'Subject: large\r\nDate: Thu, 2 Sep 2004 08:00:00 +0000\r\n\r\n'
const fromLine = 'From MAILER-DAEMON Thu Sep  2 08:00:00 2004\n'
const odd = ['.', '..dots', 'From here', '>From there', 'caf\xe9 \0 \xff', 'one\rtwo\r', ''].join('\r\n')
const page = `${odd}\r\n${`${'0123456789abcdef'.repeat(4)}\r\n`.repeat(4096)}`
const pages = Math.ceil((gigabytes * 2 ** 30) / page.length)

/** Made while it is sent: it is nowhere as a whole. */
const large: SampleMessage = {
  uidl: 'large',
  size: head.length + pages * page.length,
  open: function* () {
    yield Buffer.from(head, 'latin1')
    const bytes = Buffer.from(page, 'latin1')
    for (let sent = 0; sent < pages; sent++) yield bytes
  },
}

function asInMaildir(text: string): string {
  return text.replaceAll('\r\n', '\n')
}

function asInMbox(text: string): string {
  return asInMaildir(text).replaceAll(/^(?=>*From )/gm, '>')
}

/** No line crosses a page's border, so that each page is converted by itself. */
function expectedDigest(stored: (text: string) => string, before = '', behind = ''): string {
  const hash = createHash('sha256').update(before).update(stored(head), 'latin1')
  const bytes = Buffer.from(stored(page), 'latin1')
  for (let hashed = 0; hashed < pages; hashed++) hash.update(bytes)
  return hash.update(behind).digest('hex')
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
