import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Dovecot } from '../support/dovecot.js'
import { arrivedAt, arrivedIn, type Arrivals, sum } from './arrivals.js'
import { type ContestantName, contestants, type Job } from './contestants.js'
import { syncs, traced } from './durable.js'
import { measure, type Measured } from './measure.js'
import { realisticMessages, smallMessages } from './messages.js'
import { findProgram, type Found, type Program, type ProgramName, programNames, versions } from './programs.js'
import { benchFolder, scaled, Servers } from './servers.js'
import { type Row, type Section, table } from './table.js'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const folder = join(benchFolder(), 'peers')

/** A maildrop each. */
type Maildrops = Readonly<Record<string, () => Iterable<Buffer>>>

const small = (count: number, name: string): Maildrops => ({ [name]: () => smallMessages(scaled(count)) })
const realistic: Maildrops = { realistic: () => realisticMessages(scaled(2_000)) }
const accounts = (count: number): Maildrops =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`a${index}`, () => smallMessages(scaled(500), index * scaled(500))]),
  )

interface Scenario {
  readonly name: string
  readonly maildrops: Maildrops
  readonly target: 'maildir' | 'mbox' | 'imap'
  readonly roundTripMs?: number
  readonly tls?: boolean
  /** IMAP that takes one message at a time. */
  readonly single?: boolean
  /** How many times as fast as the reference popferry is to be. */
  readonly wants: number
  /** What those copy that take one message a round trip, and which part of all it is; or why they are left out. */
  readonly slow?: { readonly maildrops: Maildrops; readonly share: number } | string
}

const tenth = { maildrops: small(1_000, 'tenth'), share: 0.1 }
const twentieth = { maildrops: small(500, 'twentieth'), share: 0.05 }
const all = small(10_000, 'small')
const uploads = small(5_000, 'uploads')

const scenarios: readonly Scenario[] = [
  { name: 'maildir loopback', maildrops: all, target: 'maildir', wants: 1.8, slow: tenth },
  { name: 'mbox loopback', maildrops: all, target: 'mbox', wants: 3.5, slow: tenth },
  { name: 'maildir 40 ms', maildrops: all, target: 'maildir', roundTripMs: 40, wants: 3.5, slow: twentieth },
  // prettier-ignore
  { name: 'realistic loopback', maildrops: realistic, target: 'maildir', tls: true, wants: 1.4, slow: { maildrops: realistic, share: 1 } },
  // prettier-ignore
  { name: 'realistic 40 ms', maildrops: realistic, target: 'maildir', tls: true, roundTripMs: 40, wants: 1.7, slow: 'one message a round trip: at least 80 s' },
  // prettier-ignore
  { name: 'accounts', maildrops: accounts(50), target: 'maildir', wants: 1.2, slow: { maildrops: accounts(5), share: 0.1 } },
  { name: 'imap loopback', maildrops: uploads, target: 'imap', wants: 3 },
  { name: 'imap 40 ms', maildrops: uploads, target: 'imap', roundTripMs: 40, wants: 3 },
  { name: 'imap without MULTIAPPEND loopback', maildrops: uploads, target: 'imap', single: true, wants: 1.2 },
  // prettier-ignore
  { name: 'imap without MULTIAPPEND 40 ms', maildrops: uploads, target: 'imap', single: true, roundTripMs: 40, wants: 1.2 },
]

const slowOnes = ['getmail6', 'fetchmail', 'fdm'] as const
const found = new Map<ProgramName, Found>()
const sections: Section[] = []
let servers: Servers

beforeAll(async () => {
  // What is missing is unpacked now: that deletes files.
  for (const name of programNames) found.set(name, await findProgram(name))
  const maildrops = scenarios.map((one) => [one.maildrops, typeof one.slow === 'object' ? one.slow.maildrops : {}])
  const names = new Set(maildrops.flat().flatMap((some) => Object.keys(some)))
  names.add('traced').add(inboxOf('durable imap', 'popferry', 0))
  for (const { name, target } of scenarios) {
    if (target !== 'imap') continue
    for (let round = 0; round <= rounds; round++) {
      for (const who of ['popferry', 'mbsync'] as const) names.add(inboxOf(name, who, round))
    }
  }
  servers = await Servers.start(join(folder, 'servers'), [...names])
})

afterAll(async () => {
  if (sections.length > 0) say(`\n${table(sections)}\n\n${await versions(found, folder)}\n`)
  await servers[Symbol.asyncDispose]()
})

it.each(scenarios.map((one) => [one.name, one] as const))('%s', { timeout: 7_200_000 }, async (_, scenario) => {
  const reference = scenario.target === 'imap' ? 'mbsync' : 'mpop'
  const pair = (['popferry', reference] as const).filter((name) => missing(name) === undefined)
  const results = new Map<ContestantName, Measured[]>(pair.map((name) => [name, []]))
  const notes = new Map<ContestantName, string>()
  // A round that does not count comes first: the disk has its cache then, and each program was read.
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? pair : pair.toReversed()) {
      const [measured, arrivals] = await compete(scenario, name, round)
      // Nothing less is asked of popferry, and a reference that loses something is none.
      expect(arrivals, name).toMatchObject({ found: arrivals.expected, ...(name === 'popferry' && { notExact: 0 }) })
      notes.set(name, noteOn(arrivals))
      if (round > 0) results.get(name)?.push(measured)
    }
  }
  const rows: Row[] = Array.from(results, ([name, measured]) => ({
    contestant: name,
    results: measured,
    note: notes.get(name) ?? '',
  }))
  const why = missing(reference)
  if (why !== undefined) rows.push({ contestant: reference, results: [], note: why })
  if (scenario.slow !== undefined) for (const name of slowOnes) rows.push(await slowRow(scenario, name))
  sections.push({ scenario: scenario.name, reference, wants: scenario.wants, rows })
})

it.each(['maildir', 'mbox', 'imap'] as const)('durable %s', { timeout: 1_800_000 }, async (target) => {
  const strace = found.get('strace')
  const scenario: Scenario = { name: `durable ${target}`, maildrops: small(5_000, 'traced'), target, wants: 1 }
  if (!strace || 'missing' in strace) {
    say(`durable ${target}: not looked at, ${strace?.missing ?? ''}\n`)
    return
  }
  const job = await jobFor(scenario, 'popferry', 0)
  const verdict = await traced(job, 'popferry', strace)
  say(`durable ${target}, popferry, ${scaled(5_000)} messages: ${syncs(verdict)}\n`)
  expect(verdict).toMatchObject({ wrong: [], renamed: target === 'maildir' ? scaled(5_000) : 0 })
  expect(verdict.files).toBeGreaterThanOrEqual({ maildir: scaled(5_000), mbox: 1, imap: 0 }[target])
  const arrivals = await arrivalsOf(scenario, 'popferry', job)
  expect(arrivals).toMatchObject({ found: arrivals.expected, notExact: 0 })
  // The others are only looked at, for comparison.
  for (const name of target === 'imap' ? [] : (['mpop', ...slowOnes] as const)) {
    if (missing(name) !== undefined) continue
    const few: Scenario = { ...scenario, maildrops: twentieth.maildrops }
    const other = await traced(await jobFor(few, name, 0), name, strace).then(syncs, wordsOf)
    say(`durable ${target}, ${name}, ${scaled(500)} messages: ${other}\n`)
  }
})

/** Once, and perhaps with a part of the messages. One that fails is a line, not the end of the benchmark. */
async function slowRow(scenario: Scenario, contestant: ContestantName): Promise<Row> {
  const { slow } = scenario
  if (typeof slow !== 'object') return { contestant, results: [], note: slow ?? '' }
  const why = missing(contestant)
  if (why !== undefined) return { contestant, results: [], note: why }
  try {
    const [measured, arrivals] = await compete({ ...scenario, maildrops: slow.maildrops }, contestant, 1)
    return { contestant, results: [measured], share: slow.share, note: noteOn(arrivals) }
  } catch (error) {
    return { contestant, results: [], note: wordsOf(error) }
  }
}

async function compete(scenario: Scenario, name: ContestantName, round: number): Promise<[Measured, Arrivals]> {
  const job = await jobFor(scenario, name, round)
  const measured = await measure(await contestants[name].prepare(job), job.folder)
  say(`${scenario.name}, ${name}, round ${round}: ${measured.seconds.toFixed(2)} s\n`)
  return [measured, await arrivalsOf(scenario, name, job)]
}

async function jobFor(scenario: Scenario, name: string, round: number): Promise<Job> {
  const { maildrops, target, roundTripMs = 0, tls = false } = scenario
  for (const [user, messages] of Object.entries(maildrops)) await servers.maildrop(user, messages)
  const place = inboxOf(scenario.name, name, round)
  await mkdir(join(folder, place, 'temporary'), { recursive: true })
  const pop3 = tls ? servers.main.ports.tls : servers.main.ports.plain
  const [messages = () => []] = Object.values(maildrops)
  const { ports } = await receiver(scenario)
  const upload = async (): Promise<Job['target']> => {
    return { port: await servers.behind(ports.imap, roundTripMs), user: place, messages }
  }
  return {
    folder: join(folder, place),
    users: Object.keys(maildrops),
    // An upload is fetched nearby: it alone is measured, and what popferry does besides.
    port: target === 'imap' ? pop3 : await servers.behind(pop3, roundTripMs),
    tls,
    target: target === 'imap' ? await upload() : target,
    programs: new Map(Array.from(found).filter((entry): entry is [ProgramName, Program] => !('missing' in entry[1]))),
  }
}

async function arrivalsOf(scenario: Scenario, name: ContestantName, job: Job): Promise<Arrivals> {
  const arrivals: Arrivals[] = []
  const adds = contestants[name].adds?.[scenario.target]
  for (const [user, messages] of Object.entries(scenario.maildrops)) {
    const digests = await servers.maildrop(user, messages)
    const { target } = job
    const arrived =
      typeof target === 'string'
        ? arrivedIn(target, join(job.folder, 'mail', user), digests, adds)
        : arrivedAt(await receiver(scenario), target.user, digests, adds)
    arrivals.push(await arrived)
  }
  return sum(arrivals)
}

/** Where uploads go. */
async function receiver({ single = false }: Scenario): Promise<Dovecot> {
  return single ? servers.withoutMultiappend() : servers.main
}

function inboxOf(scenario: string, name: string, round: number): string {
  return `${scenario}-${name}-${round}`.replaceAll(' ', '-').toLowerCase()
}

function missing(name: ContestantName): string | undefined {
  for (const program of contestants[name].needs) {
    const one = found.get(program)
    if (one && 'missing' in one) return `not here: ${one.missing}`
  }
  return undefined
}

function wordsOf(error: unknown): string {
  return `failed: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`
}

function noteOn({ expected, found, notExact }: Arrivals): string {
  if (found !== expected) return `${found} of ${expected} messages arrived`
  return notExact === 0 ? '' : `${notExact} of ${expected} messages are not as they were sent`
}

function say(text: string): void {
  process.stdout.write(text)
}
