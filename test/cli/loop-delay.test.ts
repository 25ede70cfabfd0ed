import { expect, it } from 'vitest'
import { readFile } from 'node:fs/promises'
import { openScene } from './scene.js'

/**
 * Loaded into the program: how long its event loop was kept from a timer, ms. Of a delay only as much counts as the process
 * was at work meanwhile, since on a busy machine it may just have had no turn.
 */
const probe = `data:text/javascript,${encodeURIComponent(`
  import { createHistogram } from 'node:perf_hooks'
  import { writeFileSync } from 'node:fs'
  const every = 5
  const delays = createHistogram()
  let at = performance.now()
  let cpu = process.cpuUsage()
  setInterval(() => {
    const now = performance.now()
    const { user, system } = process.cpuUsage(cpu)
    delays.record(Math.max(1, Math.round(Math.min(now - at - every, (user + system) / 1000))))
    at = now
    cpu = process.cpuUsage()
  }, every).unref()
  process.on('exit', () => {
    const { count, max } = delays
    writeFileSync('loop-delay.json', JSON.stringify({ count, max, p99: delays.percentile(99) }))
  })
`)}`

const line = 'x'.repeat(10 * 1024 * 1024)
const large = [
  `Subject: one line\r\n\r\n${line}\r\n`,
  `X-Long: ${line}\r\n\r\n`,
  `${'Received: from here by there\r\n'.repeat(100_000)}\r\n`,
  `Subject: many\r\n\r\n${'From here\r\n.\r\n'.repeat(200_000)}`,
]
const small = Array.from(
  { length: 1500 },
  (_, index) => `Subject: no ${index}\r\n\r\n${'line\r\n'.repeat(index % 300)}`,
)

it('PRC-06 the event loop is free within 200 ms (p99) while thousands of messages and very long lines are copied', async () => {
  await using scene = await openScene({
    messages: [...small, ...large],
    plan: (server) => ({
      accounts: [
        {
          name: 'alice',
          source: server.source(),
          targets: [
            { type: 'maildir', path: 'maildir' },
            { type: 'mbox', path: 'mbox' },
            { type: 'eml-zip', path: 'zips/mail.zip' },
          ],
        },
      ],
    }),
  })
  const nodeArguments = ['--import', probe]
  expect(await scene.run(['run', '--quiet'], { nodeArguments })).toMatchObject({ code: 0, stderr: '' })
  const delays = JSON.parse(await readFile(scene.folder.at('loop-delay.json'), 'utf8')) as Record<string, number>
  process.stdout.write(`event loop: ${JSON.stringify(delays)} (ms)\n`)
  expect(delays['count']).toBeGreaterThan(20)
  expect(delays['p99']).toBeLessThan(200)
}, 300_000)
