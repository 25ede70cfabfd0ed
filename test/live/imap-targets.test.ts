import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ruleDate } from '../../src/mail/date.js'
import { Dovecot } from '../support/dovecot.js'
import { findDovecot } from '../support/dovecot-program.js'
import { findPython, readByImap, readByPop3, type Digests } from '../support/readers.js'
import { realisticMail } from '../support/realistic-mail.js'
import { runPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import { imapServers } from '../support/servers/imap-servers.js'

const { missing } = { ...(await findPython()), ...(await findDovecot()) } as { readonly missing?: string }
const count = 2_000
const folder = 'Archive/日本 & more'

interface Place {
  readonly port: number
  readonly user: string
  readonly ca: string
}

/** Where to read, by the name of the target; and why some cannot be had. */
const places = new Map<string, Place>()
const absent = new Map<string, string>()
const opened: AsyncDisposable[] = []
const startedAt = Math.floor(Date.now() / 1000)
let dovecot: Dovecot
let plans: TempFolder
let sent: Digests

beforeAll(async () => {
  if (missing !== undefined) return
  plans = await tempFolder()
  dovecot = await Dovecot.start({ users: { alice: 'maildir', bob: 'maildir' } })
  opened.push(dovecot, plans)
  await dovecot.fill('alice', realisticMail(count, 3501))
  const targets = [dovecot.target('bob', { name: 'dovecot', ...settings })]
  places.set('dovecot', { port: dovecot.ports.imap, user: 'bob', ca: Dovecot.ca })
  for (const kind of imapServers) {
    const found = await kind.find()
    if ('missing' in found) {
      absent.set(kind.name, found.missing)
      continue
    }
    const server = await kind.start(found.root)
    opened.unshift(server)
    const { port } = server
    places.set(kind.name, { port, user: 'alice', ca: '-' })
    const host = { host: '127.0.0.1', port, tls: 'none' }
    targets.push({ type: 'imap', name: kind.name, ...host, user: 'alice', password: 'secret', ...settings })
  }
  await writePlan(plans, { accounts: [{ name: 'alice', source: dovecot.source('alice'), targets }] })
  sent = await readByPop3(dovecot, 'alice')
}, 240_000)

afterAll(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]()
})

const settings = { folder, flags: ['\\Seen', '\\Flagged'] }

describe('2,000 messages from Dovecot into folders of real IMAP servers', () => {
  beforeEach(({ skip }) => {
    skip(missing !== undefined, missing)
  })

  /** Messages that a server does not keep as they are, by target; found in the events of the first run. */
  let flagged = 0
  let refused: readonly unknown[] = []
  const storedAt = (name: string): number => count - refused.filter((target) => target === name).length

  it('all of them in one run', async () => {
    const { events, stderr } = await runPopferry(['run', '--json'], { cwd: plans.path })
    expect(stderr).toBe('')
    refused = events.filter(({ type }) => type === 'message.failed').map(({ target }) => target)
    // Cyrus takes no message whose header is none.
    expect(refused).toEqual(refused.map(() => 'cyrus'))
    expect(refused.length).toBeLessThanOrEqual(1)
    expect(events.at(-1)).toMatchObject({ listed: count, copied: count - refused.length, failed: refused.length })
    flagged = events.filter(({ type, flag }) => type === 'message.flagged' && flag === 'lossy-form').length
  }, 240_000)

  it.each(['dovecot', 'cyrus', 'courier'])(
    '%s: an independent reader finds each once, unchanged',
    async (name) => {
      const place = places.get(name)
      if (!place) {
        process.stdout.write(`${name}: not tested: ${absent.get(name) ?? missing ?? ''}\n`)
        return
      }
      const { exact, loose, facts } = await readByImap(place, folder)
      expect(facts).toHaveLength(storedAt(name))
      expect(difference(sent.loose, loose)).toHaveLength(count - storedAt(name))
      expect(difference(loose, sent.loose)).toEqual([])
      const changed = difference(sent.exact, exact)
      // What has a NUL, a bare line feed or no last line end, and only as far as it was reported or is known of the server.
      expect(changed.length).toBeLessThanOrEqual(flagged + odd)
      expect(facts.filter(({ flags }) => !flags.includes('\\Seen') || !flags.includes('\\Flagged'))).toEqual([])
      const dates = facts.map(({ date }) => date).filter((date) => date < startedAt)
      expect(difference(dates.map(String), expectedDates().map(String))).toEqual([])
      expect(expectedDates().length - dates.length).toBeLessThanOrEqual(count - storedAt(name))
    },
    120_000,
  )

  it('verify finds all of them intact', async () => {
    const { code, events } = await runPopferry(['verify', '--json'], { cwd: plans.path })
    expect(events.find(({ type }) => type === 'verify.account')).toMatchObject({
      targets: [...places.keys()].map((target) => ({
        target,
        ok: true,
        checked: storedAt(target),
        missing: 0,
        altered: 0,
      })),
    })
    expect(code).toBe(0)
  }, 240_000)

  it('a second run appends nothing', async () => {
    const { code, events } = await runPopferry(['run', '--json'], { cwd: plans.path })
    expect(code).toBe(refused.length > 0 ? 3 : 0)
    expect(events.at(-1)).toMatchObject({ copied: 0, present: count - refused.length, failed: refused.length })
    for (const [name, place] of places) expect((await readByImap(place, folder)).facts).toHaveLength(storedAt(name))
  }, 120_000)
})

/** Messages that servers change and take all the same: with a NUL or a lone CR, or without a last line end. */
const odd = [...realisticMail(count, 3501)].filter((bytes) => {
  return bytes.includes(0) || bytes.at(-1) !== 0x0a || /\r(?!\n)/.test(bytes.toString('latin1'))
}).length

function expectedDates(): readonly number[] {
  const dates = [...realisticMail(count, 3501)].flatMap((bytes) => {
    const date = ruleDate(bytes.subarray(0, 65_536), 'received', Date.now())
    return date === undefined ? [] : [Math.floor(date / 1000)]
  })
  return dates.toSorted((one, other) => one - other)
}

/** What is in the one list and not in the other, twins counted. */
function difference(one: readonly string[], other: readonly string[]): readonly string[] {
  const left = new Map<string, number>()
  for (const digest of other) left.set(digest, (left.get(digest) ?? 0) + 1)
  return one.filter((digest) => {
    const count = left.get(digest) ?? 0
    left.set(digest, count - 1)
    return count <= 0
  })
}
