import { writeFile, mkdir } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { unpackedPackages } from '../support/debian-packages.js'
import { delayProxy } from '../support/delay-proxy.js'
import { Dovecot } from '../support/dovecot.js'
import { inherited } from '../support/dovecot-program.js'
import { readByImap } from '../support/readers.js'
import { tempFolder } from '../support/rig.js'
import { measure, type Measured, median } from './measure.js'
import { smallMessages } from './small-messages.js'

const count = Number(process.env['BENCH_MESSAGES'] ?? 5_000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)
const program = new URL('../../dist/cmd/popferry.cjs', import.meta.url).pathname

interface Upload {
  readonly folder: string
  readonly dovecot: Dovecot
  /** Where IMAP is reached, perhaps through a slow line. */
  readonly port: number
  /** The user whose empty mailbox it goes to. */
  readonly user: string
}

/** POP3 at the same server, on loopback: what is measured is the upload, and everything that popferry does besides. */
async function popferry({ folder, dovecot, port, user }: Upload): Promise<Measured> {
  const source = dovecot.source('alice', 'none')
  const target = { type: 'imap', host: '127.0.0.1', port, tls: 'none', user, password: 'secret' }
  const plan = join(folder, 'migrate.yaml')
  // YAML is a superset of JSON.
  const accounts = [{ source, targets: [target] }]
  await writeFile(plan, JSON.stringify({ version: 1, accounts }), { mode: 0o600 })
  return measure([process.execPath, program, 'run', '--quiet', plan], {})
}

/** From a Maildir with the same messages, which is fairer to it than a download first. */
async function mbsync({ folder, port, user }: Upload): Promise<Measured> {
  const { root, environment } = await mbsyncProgram()
  for (const part of ['mail/cur', 'mail/new', 'mail/tmp']) await mkdir(join(folder, part), { recursive: true })
  let number = 0
  for (const message of smallMessages(count)) {
    const name = `${1_600_000_000 + number++}.M0P1.example:2,`
    const text = message.toString('latin1').replaceAll('\r\n', '\n')
    await writeFile(join(folder, 'mail', 'cur', name), text, 'latin1')
  }
  // prettier-ignore
  const lines = [
    'IMAPAccount a', 'Host 127.0.0.1', `Port ${port}`, `User ${user}`, 'Pass secret', 'SSLType None', 'AuthMechs LOGIN', '',
    'IMAPStore far', 'Account a', '', 'MaildirStore near', `Path ${folder}/`, `Inbox ${join(folder, 'mail')}`, '',
    'Channel c', 'Far :far:', 'Near :near:', 'Sync PushNew', 'SyncState *', `SyncState ${folder}/state`, 'CopyArrivalDate yes',
  ]
  await writeFile(join(folder, 'mbsyncrc'), `${lines.join('\n')}\n`, { mode: 0o600 })
  return measure([`${root}/usr/bin/mbsync`, '--quiet', `--config=${join(folder, 'mbsyncrc')}`, 'c'], {
    ...environment,
    HOME: folder,
  })
}

async function mbsyncProgram(): Promise<{ readonly root: string; readonly environment: NodeJS.ProcessEnv }> {
  if (existsSync('/usr/bin/mbsync')) return { root: '', environment: {} }
  const found = await unpackedPackages({ name: 'isync', packages: ['isync'] })
  if ('missing' in found) throw new Error(found.missing)
  return { root: found.root, environment: await inherited(found.root) }
}

const contestants = { popferry, mbsync }
type Name = keyof typeof contestants

const digests = [...smallMessages(count)].map((bytes) => createHash('sha256').update(bytes).digest('hex')).toSorted()

it.each([
  ['loopback, MULTIAPPEND', 0, true],
  ['40 ms of round-trip time, MULTIAPPEND', 40, true],
  ['loopback, without MULTIAPPEND', 0, false],
  ['40 ms of round-trip time, without MULTIAPPEND', 40, false],
])(
  `${count} small messages into an IMAP folder, %s`,
  async (where, roundTripMs, multi) => {
    const names = Array.from({ length: 2 * (rounds + 1) }, (_, index) => `u${index}`)
    const users = Object.fromEntries(['alice', ...names].map((name) => [name, 'maildir' as const]))
    const imap = multi ? [] : ['imap_capability = IMAP4rev1 SASL-IR LITERAL+ NAMESPACE UIDPLUS']
    await using dovecot = await Dovecot.start({ users, imap })
    await dovecot.fill('alice', smallMessages(count))
    await using proxy = roundTripMs > 0 ? await delayProxy(dovecot.ports.imap, roundTripMs) : undefined
    const port = proxy?.port ?? dovecot.ports.imap
    await using all = await tempFolder()
    const results: Record<Name, Measured[]> = { popferry: [], mbsync: [] }
    // One of each first, so that Dovecot has its index and the disk its cache.
    for (let round = 0; round <= rounds; round++) {
      for (const name of Object.keys(contestants) as Name[]) {
        const folder = all.at(`${name}-${round}`)
        await mkdir(folder)
        const user = names.pop() ?? ''
        const result = await contestants[name]({ folder, dovecot, port, user })
        const { exact } = await readByImap({ port: dovecot.ports.imap, user, ca: '-' }, 'INBOX')
        expect(exact).toHaveLength(count)
        // The other puts a line into each header by which it finds the message again.
        if (name === 'popferry') expect(exact).toEqual(digests)
        if (round > 0) results[name].push(result)
      }
    }
    const ratios = results.mbsync.map(({ seconds }, round) => seconds / (results.popferry[round]?.seconds ?? NaN))
    process.stdout.write(`\n${count} small messages into an IMAP folder, ${where}, ${rounds} rounds in turn\n`)
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
