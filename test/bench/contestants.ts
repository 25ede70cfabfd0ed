import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Dovecot } from '../support/dovecot.js'
import type { Command } from './measure.js'
import { popferryProgram, type Program, type ProgramName } from './programs.js'

/** What is to be copied; each account's mail goes to `mail/ACCOUNT` in the folder, as a Maildir or an mbox. */
export interface Job {
  /** Which nobody has used before. */
  readonly folder: string
  readonly users: readonly string[]
  readonly port: number
  /** POP3S, with the certificate checked. */
  readonly tls: boolean
  readonly target: 'maildir' | 'mbox' | Upload
  readonly programs: ReadonlyMap<ProgramName, Program>
}

/** Into the empty INBOX of a user. */
export interface Upload {
  readonly port: number
  readonly user: string
  /** For those that have no POP3. */
  readonly messages: () => Iterable<Buffer>
}

/** Writes what a program has to know into the folder, and says how it is started. */
export type Contestant = (job: Job) => Promise<Command>

const host = '127.0.0.1'

const popferry: Contestant = async ({ folder, users, port, tls, target }) => {
  const trust = tls ? { tls: 'implicit', tlsOptions: { ca: Dovecot.ca } } : { tls: 'none' }
  const to =
    typeof target === 'string'
      ? { type: target, path: 'mail/{account}' }
      : { type: 'imap', host, port: target.port, tls: 'none', user: target.user, password: 'secret' }
  const accounts = users.map((user) => ({ source: { host, port, user, password: 'secret', ...trust }, targets: [to] }))
  const many = users.length > 1 ? { concurrency: { accounts: 8, perHost: 8 } } : {}
  // YAML is a superset of JSON.
  await write(join(folder, 'migrate.yaml'), [JSON.stringify({ version: 1, ...many, accounts })])
  return { args: [process.execPath, popferryProgram, 'run', '--quiet', join(folder, 'migrate.yaml')] }
}

/** One process for each account, eight at once. */
const mpop: Contestant = async (job) => {
  const { folder, users, port, tls, target } = job
  const { path, environment } = program(job, 'mpop')
  for (const user of users) {
    const place = await placeFor(job, user)
    // prettier-ignore
    await write(join(folder, `${user}.mpoprc`), [
      'account a', `host ${host}`, `port ${port}`, 'auth user', `user ${user}`, 'password secret',
      ...(tls ? ['tls on', 'tls_starttls off', `tls_trust_file ${Dovecot.ca}`] : ['tls off']),
      'pipelining on', 'keep on', 'received_header off', `delivery ${target as string} ${place}`,
      `uidls_file ${join(folder, `${user}.uidls`)}`, 'account default : a',
    ])
  }
  const [only = '', ...others] = users.map((user) => join(folder, `${user}.mpoprc`))
  if (others.length === 0) return { args: [path, '--quiet', `--file=${only}`], environment }
  await write(join(folder, 'list'), [only, ...others])
  const command = `exec xargs -P 8 -I{} ${path} --quiet --file={} <${join(folder, 'list')}`
  return { args: ['sh', '-c', command], environment }
}

/** One account after the other. It delivers nothing as root, so it becomes somebody else then. */
const getmail6: Contestant = async (job) => {
  const { folder, users, port, tls, target } = job
  const { path, environment } = program(job, 'getmail')
  const authority = join(folder, 'ca.pem')
  await copyFile(Dovecot.ca, authority)
  for (const user of users) {
    const place = await placeFor(job, user)
    if (target === 'mbox') await writeFile(place, '', { mode: 0o600 })
    // prettier-ignore
    await write(join(folder, `${user}.getmailrc`), [
      '[retriever]', `type = ${tls ? 'SimplePOP3SSLRetriever' : 'SimplePOP3Retriever'}`, `server = ${host}`,
      `port = ${port}`, `username = ${user}`, 'password = secret', ...(tls ? [`ca_certs = ${authority}`] : []),
      '[destination]', ...(target === 'mbox' ? ['type = Mboxrd', `path = ${place}`] : ['type = Maildir', `path = ${place}/`]),
      '[options]', 'read_all = true', 'delete = false', 'delivered_to = false', 'received = false', 'verbose = 0',
    ])
  }
  const files = users.map((user) => `--rcfile=${join(folder, `${user}.getmailrc`)}`)
  const args = [path, '--quiet', `--getmaildir=${folder}`, ...files] as const
  if (process.getuid?.() !== 0) return { args, environment }
  await promisify(execFile)('chown', ['-R', `${nobody}:${nobody}`, folder])
  return { args: ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', ...args], environment }
}

const nobody = 65_534

/** One account after the other, and a process of procmail for each message. */
const fetchmail: Contestant = async (job) => {
  const { folder, users, port, tls, target } = job
  const { path, environment } = program(job, 'fetchmail')
  const procmail = program(job, 'procmail')
  // It finds no IP address in a certificate.
  const server = tls ? 'localhost' : host
  const lines = ['set invisible', 'set no bouncemail', `poll ${server} protocol POP3 port ${port}`]
  for (const user of users) {
    const place = await placeFor(job, user)
    const rules = join(folder, `${user}.procmailrc`)
    await write(rules, target === 'mbox' ? [':0:', place] : [':0', `${place}/`])
    const trust = tls ? `ssl sslcertck sslcertfile "${Dovecot.ca}"` : "sslproto ''"
    lines.push(
      `  user "${user}" there with password "secret"`,
      `  options keep fetchall no rewrite ${trust} mda "${procmail.path} -f bench ${rules}"`,
    )
  }
  await write(join(folder, 'fetchmailrc'), lines)
  const args = [
    '--silent',
    '--nosyslog',
    '--pidfile',
    join(folder, 'pid'),
    '--fetchmailrc',
    join(folder, 'fetchmailrc'),
  ]
  const all = { ...procmail.environment, ...environment, FETCHMAILHOME: folder }
  return { args: [path, ...args], environment: all }
}

/** A process for each account, all at once; as root it fetches as a user of its own. */
const fdm: Contestant = async (job) => {
  const { folder, users, port, tls, target } = job
  const { path, environment } = program(job, 'fdm')
  await chmod(join(folder, 'temporary'), 0o777)
  const lines = [
    `set default-user "${userInfo().username}"`,
    `set lock-file "${join(folder, 'lock')}"`,
    'set no-received',
    'set maximum-size 1G',
    ...(tls ? ['set verify-certificates'] : []),
  ]
  for (const user of users) {
    const place = await placeFor(job, user)
    const where = `server "${host}" port ${port} user "${user}" pass "secret"`
    lines.push(`account "${user}" ${tls ? 'pop3s' : 'pop3'} ${where} keep`)
    lines.push(`action "${user}" ${target as string} "${place}"`, `match account "${user}" action "${user}"`)
  }
  await write(join(folder, 'fdm.conf'), lines)
  const trust = { SSL_CERT_FILE: Dovecot.ca }
  return { args: [path, '-q', '-f', join(folder, 'fdm.conf'), 'fetch'], environment: { ...environment, ...trust } }
}

/** From a Maildir with the same messages, which is fairer to it than a download first. */
const mbsync: Contestant = async (job) => {
  const { folder, target } = job
  if (typeof target === 'string') throw new Error('mbsync is here for IMAP alone')
  const { path, environment } = program(job, 'mbsync')
  await makeMaildir(join(folder, 'mail'))
  let number = 0
  for (const message of target.messages()) {
    const name = `${1_600_000_000 + number++}.M0P1.example:2,`
    await writeFile(join(folder, 'mail', 'cur', name), message.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
  }
  // prettier-ignore
  await write(join(folder, 'mbsyncrc'), [
    'IMAPAccount a', `Host ${host}`, `Port ${target.port}`, `User ${target.user}`, 'Pass secret', 'SSLType None',
    'AuthMechs LOGIN', '', 'IMAPStore far', 'Account a', '', 'MaildirStore near', `Path ${folder}/`,
    `Inbox ${join(folder, 'mail')}`, '', 'Channel c', 'Far :far:', 'Near :near:', 'Sync PushNew',
    `SyncState ${folder}/state`, 'CopyArrivalDate yes',
  ])
  return { args: [path, '--quiet', `--config=${join(folder, 'mbsyncrc')}`, 'c'], environment }
}

export interface Entry {
  readonly prepare: Contestant
  readonly needs: readonly ProgramName[]
  /** What it puts into each message and nobody can turn off; messages are compared without. */
  readonly adds?: Readonly<Partial<Record<'maildir' | 'mbox' | 'imap', RegExp>>>
}

const returnPath = /^Return-Path: <unknown>\n/m

export const contestants: Readonly<Record<ContestantName, Entry>> = {
  popferry: { prepare: popferry, needs: [] },
  mpop: { prepare: mpop, needs: ['mpop'] },
  getmail6: { prepare: getmail6, needs: ['getmail'], adds: { maildir: returnPath, mbox: returnPath } },
  fetchmail: { prepare: fetchmail, needs: ['fetchmail', 'procmail'] },
  fdm: { prepare: fdm, needs: ['fdm'], adds: { mbox: /\n$(?![^])/ } },
  mbsync: { prepare: mbsync, needs: ['mbsync'], adds: { imap: /^X-TUID: .*\n/m } },
}

export type ContestantName = 'popferry' | 'mpop' | 'getmail6' | 'fetchmail' | 'fdm' | 'mbsync'

function program({ programs }: Job, name: ProgramName): Program {
  const found = programs.get(name)
  if (!found) throw new Error(`${name} is not here`)
  return found
}

/** Where an account's mail goes; a Maildir is made, as not all make it themselves. */
async function placeFor({ folder, target }: Job, user: string): Promise<string> {
  const place = join(folder, 'mail', user)
  await mkdir(join(folder, 'mail'), { recursive: true })
  if (target === 'maildir') await makeMaildir(place)
  return place
}

async function makeMaildir(path: string): Promise<void> {
  for (const part of ['cur', 'new', 'tmp']) await mkdir(join(path, part), { recursive: true, mode: 0o700 })
}

async function write(path: string, lines: readonly string[]): Promise<void> {
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 })
}
