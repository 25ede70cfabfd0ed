import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { openCutter, type Cutter } from '../support/cutter.js'
import { type Digests, findPython, readByImap, readByPop3 } from '../support/readers.js'
import { realisticMail } from '../support/realistic-mail.js'
import { runPopferry, startPopferry, tempFolder, writePlan } from '../support/rig.js'
import { imapServers } from '../support/servers/imap-servers.js'

const { missing } = { ...(await findPython()), ...(await findDovecot()) } as { readonly missing?: string }
const count = 60
/** Of the octets of the mail: how many have gone to the server when the line is cut, or popferry killed. */
const places = [0.01, 0.3, 0.6, 0.99]
const mail = plainMail()
const octetsAt = (place: number): number => Math.round(mail.reduce((sum, { length }) => sum + length, 0) * place)

interface Place {
  readonly port: number
  readonly user: string
}

const servers = new Map<string, Place>()
const absent = new Map<string, string>()
const opened: AsyncDisposable[] = []
let dovecot: Dovecot
let sent: Digests

beforeAll(async () => {
  if (missing !== undefined) return
  dovecot = await Dovecot.start({ users: { alice: 'maildir', bob: 'maildir' } })
  opened.push(dovecot)
  await dovecot.fill('alice', mail)
  sent = await readByPop3(dovecot, 'alice')
  servers.set('dovecot', { port: dovecot.ports.imap, user: 'bob' })
  for (const kind of imapServers) {
    if (kind.name === 'courier') continue
    const found = await kind.find()
    if ('missing' in found) {
      absent.set(kind.name, found.missing)
      continue
    }
    const server = await kind.start(found.root)
    opened.unshift(server)
    servers.set(kind.name, { port: server.port, user: 'alice' })
  }
}, 240_000)

afterAll(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]()
})

async function upload(
  name: string,
  folder: string,
  disturb: (cutter: Cutter, kill: () => void) => void,
): Promise<void> {
  const { port, user } = servers.get(name) ?? { port: 0, user: '' }
  await using cutter = await openCutter(port)
  await using plans = await tempFolder()
  const secured = name === 'dovecot' ? { tls: 'starttls', tlsOptions: { ca: Dovecot.ca } } : { tls: 'none' }
  const host = { host: '127.0.0.1', port: cutter.port, ...secured }
  const target = { type: 'imap', ...host, user, password: 'secret', folder }
  const accounts = [{ name: 'alice', source: dovecot.source('alice'), targets: [target] }]
  const retry = { attempts: 3, minDelay: '10ms', maxDelay: '20ms' }
  await writePlan(plans, { accounts, retry, timeouts: { settle: '2s' } })
  {
    await using running = startPopferry(['run', '--quiet'], { cwd: plans.path })
    disturb(cutter, () => {
      running.kill('SIGKILL')
    })
    await running.finished
  }
  expect(cutter.disturbed).toBe(true)
  for (let run = 0; run < 2; run++) {
    expect(await runPopferry(['run', '--quiet'], { cwd: plans.path })).toMatchObject({ code: 0, stderr: '' })
  }
  const ca = name === 'dovecot' ? Dovecot.ca : '-'
  const { exact } = await readByImap({ ...(servers.get(name) ?? { port: 0, user }), ca }, folder)
  expect(exact.toSorted()).toEqual(sent.exact.toSorted())
}

describe.each(['dovecot', 'cyrus'])('an upload to %s that is disturbed ends with each message once', (name) => {
  beforeEach(({ skip }) => {
    skip(missing !== undefined || !servers.has(name), absent.get(name) ?? missing)
  })

  it.each(places)(
    'cut after %d of the octets',
    async (place) => {
      await upload(name, `Cut${place * 100}`, (cutter) => {
        cutter.after(octetsAt(place), () => {
          cutter.cut()
        })
      })
    },
    120_000,
  )

  it.each(places)(
    'popferry killed after %d of the octets',
    async (place) => {
      await upload(name, `Killed${place * 100}`, (cutter, kill) => {
        cutter.after(octetsAt(place), kill)
      })
    },
    120_000,
  )
})

/** Without what Cyrus does not take. */
function plainMail(): readonly Uint8Array[] {
  const all = [...realisticMail(count * 2, 7)]
  const fine = all.filter((bytes) => {
    const text = Buffer.from(bytes).toString('latin1')
    return text.endsWith('\r\n') && /^[\w-]+:/.test(text) && !/\0|(?<!\r)\n|\r(?!\n)/.test(text)
  })
  return fine.slice(0, count)
}
