import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { arrivedIn, sum } from './arrivals.js'
import { contestants } from './contestants.js'
import { chart, type Panel, type Point } from './growth-chart.js'
import { type Command, measure, type Measured, median } from './measure.js'
import { messagesOf, smallMessages } from './messages.js'
import { popferryProgram, versions } from './programs.js'
import { benchFolder, scaled, Servers } from './servers.js'

const folder = join(benchFolder(), 'growth')
const kib = 1024
const mib = 1024 * kib

const maildrops = [1_000, 10_000, 100_000]
const accounts = [1, 10, 50, 200]
/** Octets of a message, and how many there are. */
// prettier-ignore
const sizes = [[kib, 10_000], [10 * kib, 10_000], [100 * kib, 1_000], [mib, 200], [10 * mib, 20], [50 * mib, 4]] as const
const each = 100

const panels: Panel[] = []
const others: string[] = []
let servers: Servers

beforeAll(async () => {
  const names = [
    ...maildrops.map((count) => `messages-${count}`),
    ...sizes.map(([size]) => `size-${size}`),
    ...Array.from({ length: Math.max(...accounts) }, (_, index) => `a${index}`),
  ]
  servers = await Servers.start(join(folder, 'servers'), names)
})

afterAll(async () => {
  await servers[Symbol.asyncDispose]()
  const tables = panels.map(({ title, points, timeUnit }) => {
    const lines = points.map(
      ({ label, time, peak, seconds }) =>
        `  ${label.padStart(8)}  ${time.toFixed(2).padStart(8)} ${timeUnit}  ${peak.toFixed(0).padStart(4)} MiB at most  ${seconds.toFixed(2)} s in all`,
    )
    return `${title}\n${lines.join('\n')}\n`
  })
  process.stdout.write(`\n${[...tables, ...others].join('\n')}\n${await versions(new Map(), folder)}\n`)
  if (process.env['BENCH_CHART'] !== '1' || panels.length < 3) return
  const path = fileURLToPath(new URL('../../docs/growth.svg', import.meta.url))
  await writeFile(path, chart(panels))
  process.stdout.write(`${path} is written\n`)
})

it('growth of a maildrop', { timeout: 7_200_000 }, async () => {
  const points: Point[] = []
  for (const count of maildrops) {
    const user = `messages-${count}`
    await servers.maildrop(user, () => smallMessages(scaled(count)))
    const label = words(count)
    points.push({ ...point(await copied([user], `${label} messages`), scaled(count)), label })
  }
  panels.push({ title: 'messages in a maildrop', timeUnit: 'ms a message', points })
})

it('growth of the number of accounts', { timeout: 7_200_000 }, async () => {
  const points: Point[] = []
  for (const count of accounts) {
    const users = Array.from({ length: count }, (_, index) => `a${index}`)
    for (const [index, user] of users.entries()) {
      await servers.maildrop(user, () => smallMessages(scaled(each), index * scaled(each)))
    }
    const measured = await copied(users, `${count} accounts`)
    points.push({ ...point(measured, count * scaled(each)), label: words(count) })
  }
  panels.push({ title: `accounts of ${each} messages`, timeUnit: 'ms a message', points })
})

it('growth of a message', { timeout: 7_200_000 }, async () => {
  const points: Point[] = []
  for (const [size, count] of sizes) {
    const user = `size-${size}`
    await servers.maildrop(user, () => messagesOf(size, scaled(count)))
    const label = size < mib ? `${size / kib} KB` : `${size / mib} MB`
    points.push({ ...point(await copied([user], `messages of ${label}`), (scaled(count) * size) / mib), label })
  }
  panels.push({ title: 'size of a message', timeUnit: 'ms a MB', points })
})

it('nothing new', { timeout: 7_200_000 }, async () => {
  const count = scaled(10_000)
  const user = 'messages-10000'
  await servers.maildrop(user, () => smallMessages(count))
  const { command, place } = await prepared([user])
  await measure(command, place)
  const again: Measured[] = []
  for (let round = 0; round < 5; round++) again.push(await measure(command, place))
  others.push(`a run with nothing new, ${words(count)} messages known: ${figures(again)} (wanted: 0.5 s)`)
})

it('version', { timeout: 60_000 }, async () => {
  const place = join(folder, 'version')
  await mkdir(join(place, 'temporary'), { recursive: true })
  const runs: Measured[] = []
  for (let round = 0; round < 11; round++) {
    runs.push(await measure({ args: [process.execPath, popferryProgram, '--version'] }, place))
  }
  others.push(`popferry --version: ${figures(runs.slice(1))} (wanted: 0.15 s)`)
})

let jobs = 0

async function prepared(users: readonly string[]): Promise<{ readonly command: Command; readonly place: string }> {
  const place = join(folder, `run-${jobs++}`)
  await mkdir(join(place, 'temporary'), { recursive: true })
  const port = servers.main.ports.plain
  const job = { folder: place, users, port, tls: false, target: 'maildir', programs: new Map() } as const
  return { command: await contestants.popferry.prepare(job), place }
}

/** Three times, or once where that takes long; each time all of it arrives. */
async function copied(users: readonly string[], what: string): Promise<readonly Measured[]> {
  const results: Measured[] = []
  while (results.length < 3 && (results[0]?.seconds ?? 0) < 15) {
    const { command, place } = await prepared(users)
    const measured = await measure(command, place)
    process.stdout.write(`${what}: ${measured.seconds.toFixed(2)} s\n`)
    results.push(measured)
    for (const user of users) {
      // It is filled by now.
      const digests = await servers.maildrop(user, () => [])
      const arrivals = sum([await arrivedIn('maildir', join(place, 'mail', user), digests)])
      expect(arrivals).toMatchObject({ found: arrivals.expected, notExact: 0 })
    }
  }
  return results
}

function point(measured: readonly Measured[], amount: number): Omit<Point, 'label'> {
  const seconds = median(measured.map((one) => one.seconds))
  return { time: (seconds * 1000) / amount, peak: Math.max(...measured.map(({ peak }) => peak)), seconds }
}

function figures(measured: readonly Measured[]): string {
  const seconds = measured.map((one) => one.seconds)
  const peak = Math.max(...measured.map((one) => one.peak))
  const range = `${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`
  return `${median(seconds).toFixed(2)} s (${range}), at most ${peak.toFixed(0)} MiB`
}

function words(count: number): string {
  return count.toLocaleString('en-US')
}
