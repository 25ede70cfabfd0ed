import { beforeEach, describe, expect, it } from 'vitest'
import { sampleMailbox } from '../../src/sample/mailbox.js'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { thorough } from '../fault/scene.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { peakMemoryMiB } from '../support/machine.js'
import { oddMail } from '../support/mail.js'
import { startPopferry, tempFolder, type TempFolder, writePlan } from '../support/rig.js'
import { volumes } from '../support/zip.js'
import { zipReaders } from '../support/zip-readers.js'

/** Copies the messages into volumes; the most memory that it took on the way, in MiB. */
async function archived(messages: Iterable<SampleMessage>, folder: TempFolder, settings: object): Promise<number> {
  let pid = NaN
  let peakMiB = NaN
  await using server = await FakePop3Server.start({ messages })
  const targets = [{ type: 'eml-zip', path: 'zips/mail.zip', ...settings }]
  await writePlan(folder, { accounts: [{ name: 'alice', source: server.source(), targets }] })
  await using running = startPopferry(['run', '--json'], { cwd: folder.path })
  pid = running.pid
  const timer = setInterval(() => {
    void peakMemoryMiB(pid).then(
      (now) => {
        peakMiB = now
      },
      () => undefined,
    )
  }, 50)
  try {
    const { code, events } = await running.finished
    expect({ code, last: events.at(-1)?.type }).toEqual({ code: 0, last: 'run.finished' })
  } finally {
    clearInterval(timer)
  }
  return peakMiB
}

describe.each(zipReaders)('$name accepts', ({ missing, check }) => {
  beforeEach(({ skip }) => {
    skip(missing !== undefined, missing)
  })

  it.each([0, 6])('every volume of odd mail, compression %i (QUIRKS ZIP-04, ZIP-05)', async (compression) => {
    await using folder = await tempFolder()
    const odd = oddMail.map(([, bytes], index) => memoryMessage(`odd-${index}`, bytes))
    await archived([...sampleMailbox(), ...odd], folder, { compression, volumeSize: '1024KB' })
    const paths = await volumes(folder.at('zips', 'mail.zip'))
    expect(paths.length).toBeGreaterThan(1)
    for (const path of paths) await check(path)
  })
})

describe.runIf(thorough)('what takes minutes', () => {
  it('ZIP-02 70,000 messages are archived in less than 300 MB, and every reader accepts every volume', async () => {
    await using folder = await tempFolder()
    const peakMiB = await archived(many(70_000), folder, {})
    process.stdout.write(`70,000 messages were archived in ${Math.round(peakMiB)} MiB of memory.\n`)
    const paths = await volumes(folder.at('zips', 'mail.zip'))
    expect(paths).toHaveLength(14)
    for (const { missing, check } of zipReaders) if (missing === undefined) for (const path of paths) await check(path)
    expect(peakMiB).toBeLessThan(300e6 / 2 ** 20)
  }, 900_000)

  // The second message begins beyond 4 GiB, the first one is itself larger.
  it.each([0, 1])(
    'ZIP-02 a message and a volume of more than 4 GiB, compression %i',
    async (compression) => {
      await using folder = await tempFolder()
      const messages = [large(4.2 * 2 ** 30), memoryMessage('small', Buffer.from('Subject: small\r\n\r\nsmall\r\n'))]
      const peakMiB = await archived(messages, folder, { compression, volumeSize: '9GB' })
      process.stdout.write(`A message of 4.2 GiB was archived in ${Math.round(peakMiB)} MiB of memory.\n`)
      const paths = await volumes(folder.at('zips', 'mail.zip'))
      expect(paths).toHaveLength(1)
      for (const { missing, check } of zipReaders)
        if (missing === undefined) for (const path of paths) await check(path)
      expect(peakMiB).toBeLessThan(64 + 150)
    },
    1_800_000,
  )
})

/** Letters of 2 KB, every second one with an attachment; made while they are sent. */
function* many(count: number): Generator<SampleMessage> {
  const text = 'The quick brown fox jumps over the lazy dog and reads his mail by the sea.\r\n'.repeat(25)
  for (let number = 0; number < count; number++) {
    const head = `From: Ada <ada@harbour.example>\r\nTo: sam@island.example\r\nDate: Thu, 2 Sep 2004 08:00:00 +0000\r\nSubject: message number ${number} of many\r\n`
    const parts = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${text}--b\r\nContent-Type: application/pdf; name="${number}.pdf"\r\n\r\n--b--\r\n`
    const message = (): Buffer => Buffer.from(head + (number % 2 === 0 ? parts : `\r\n${text}`))
    yield { uidl: `m${number}`, size: message().length, open: () => [message()] }
  }
}

function large(size: number): SampleMessage {
  const head = Buffer.from('Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n')
  const page = Buffer.from(`${'0123456789abcdef'.repeat(4)}\r\n`.repeat(4096))
  const end = Buffer.from('--b\r\nContent-Type: application/pdf; name=last.pdf\r\n\r\n--b--\r\n')
  const pages = Math.ceil(size / page.length)
  return {
    uidl: 'large',
    size: head.length + pages * page.length + end.length,
    open: function* () {
      yield head
      for (let sent = 0; sent < pages; sent++) yield page
      yield end
    },
  }
}
