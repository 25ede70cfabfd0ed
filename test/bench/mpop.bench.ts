import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { unpackedPackages } from '../support/debian-packages.js'
import { delayProxy } from '../support/delay-proxy.js'
import { Dovecot } from '../support/dovecot.js'
import { inherited } from '../support/dovecot-program.js'
import { tempFolder } from '../support/rig.js'
import { measure, type Measured, median } from './measure.js'
import { smallMessages } from './small-messages.js'

const count = Number(process.env['BENCH_MESSAGES'] ?? 10_000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)
const program = new URL('../../dist/cmd/popferry.cjs', import.meta.url).pathname

/** A run into a folder that nobody has used before: ext4 is slow for minutes where files were deleted. */
type Contestant = (folder: string, port: number) => Promise<Measured>

const popferry: Contestant = async (folder, port) => {
  const source = { host: '127.0.0.1', port, tls: 'none', user: 'alice', password: 'secret' }
  const plan = join(folder, 'migrate.yaml')
  const accounts = [{ source, targets: [{ type: 'maildir', path: 'mail' }] }]
  // YAML is a superset of JSON.
  await writeFile(plan, JSON.stringify({ version: 1, accounts }), { mode: 0o600 })
  return measure([process.execPath, program, 'run', '--quiet', plan], {})
}

/** Syncs each file, never a folder, and keeps its list of UIDLs in memory until the session ends. */
const mpop: Contestant = async (folder, port) => {
  const { root, environment } = await mpopProgram()
  for (const part of ['tmp', 'new', 'cur']) await mkdir(join(folder, 'mail', part), { recursive: true })
  // prettier-ignore
  const lines = [
    'account a', 'host 127.0.0.1', `port ${port}`, 'tls off', 'auth user', 'user alice', 'password secret',
    'pipelining on', 'keep on', 'received_header off', `delivery maildir ${join(folder, 'mail')}`,
    `uidls_file ${join(folder, 'uidls')}`, 'account default : a',
  ]
  await writeFile(join(folder, 'mpoprc'), `${lines.join('\n')}\n`, { mode: 0o600 })
  return measure([`${root}/usr/bin/mpop`, '--quiet', `--file=${join(folder, 'mpoprc')}`], environment)
}

async function mpopProgram(): Promise<{ readonly root: string; readonly environment: NodeJS.ProcessEnv }> {
  if (existsSync('/usr/bin/mpop')) return { root: '', environment: {} }
  const found = await unpackedPackages({ name: 'mpop', packages: ['mpop'] })
  if ('missing' in found) throw new Error(found.missing)
  return { root: found.root, environment: await inherited(found.root) }
}

const contestants = { popferry, mpop }
type Name = keyof typeof contestants

/** Every message arrived, byte for byte. */
async function requireComplete(folder: string, expected: ReadonlySet<string>): Promise<void> {
  const found = new Set<string>()
  for (const name of await readdir(join(folder, 'mail', 'new'))) {
    found.add(
      createHash('sha256')
        .update(await readFile(join(folder, 'mail', 'new', name)))
        .digest('hex'),
    )
  }
  expect(found).toEqual(expected)
}

it.each([
  ['loopback', 0],
  ['40 ms of round-trip time', 40],
])(
  `${count} small messages from Dovecot into a Maildir, %s`,
  async (where, roundTripMs) => {
    await using dovecot = await Dovecot.start()
    await dovecot.fill('alice', smallMessages(count))
    const expected = new Set<string>()
    for (const message of smallMessages(count)) {
      const stored = message.toString('latin1').replaceAll('\r\n', '\n')
      expected.add(createHash('sha256').update(stored, 'latin1').digest('hex'))
    }
    await using proxy = roundTripMs > 0 ? await delayProxy(dovecot.ports.plain, roundTripMs) : undefined
    const port = proxy?.port ?? dovecot.ports.plain
    await using all = await tempFolder()
    const results: Record<Name, Measured[]> = { popferry: [], mpop: [] }
    // One of each first, so that Dovecot has its index and the disk its cache.
    for (let round = 0; round <= rounds; round++) {
      for (const name of Object.keys(contestants) as Name[]) {
        const folder = all.at(`${name}-${round}`)
        await mkdir(folder)
        const result = await contestants[name](folder, port)
        await requireComplete(folder, expected)
        if (round > 0) results[name].push(result)
      }
    }
    const ratios = results.mpop.map(({ seconds }, round) => seconds / (results.popferry[round]?.seconds ?? NaN))
    process.stdout.write(`\n${count} small messages into a Maildir, ${where}, ${rounds} rounds in turn\n`)
    for (const name of Object.keys(contestants) as Name[]) process.stdout.write(row(name, results[name]))
    process.stdout.write(
      `  popferry is ${median(ratios).toFixed(2)} times as fast (pair by pair: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})\n`,
    )
  },
  3_600_000,
)

function row(name: string, results: readonly Measured[]): string {
  const seconds = results.map((result) => result.seconds)
  const range = `${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`
  const peak = Math.max(...results.map((result) => result.peak)).toFixed(0)
  return `  ${name.padEnd(9)} ${median(seconds).toFixed(2)} s (${range}), at most ${peak} MiB\n`
}
