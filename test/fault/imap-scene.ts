import { expect } from 'vitest'
import type { Timeouts } from '../../src/ports/kind.js'
import { Secret } from '../../src/ports/secret.js'
import type { Target } from '../../src/ports/target.js'
import { imap } from '../../src/targets/imap.js'
import { systemClock } from '../support/clock.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import type { ImapHook } from '../support/fake-imap-session.js'
import { runPopferry, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import { targetContext } from '../support/target-context.js'
import { messages as plain } from './scene.js'
import { type Checked, compare } from './tally.js'

/** Twins, and two messages of one Message-ID. */
export const messages = [
  ...plain,
  ...['one', 'two'].map((word) => `Message-ID: <same@example>\r\nSubject: same\r\n\r\n${word}\r\n`),
]

type Moment = Parameters<ImapHook>[0]
export type Script = ReturnType<ImapHook>

export const withoutUidPlus = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', 'NAMESPACE']
const synchronising = ['IMAP4rev1', 'AUTH=PLAIN', 'UIDPLUS', 'NAMESPACE']
export const servers: readonly (readonly [string, FakeImapOptions])[] = [
  ['with everything', {}],
  ['without UIDPLUS and MULTIAPPEND', { capabilities: withoutUidPlus }],
  ['with synchronising literals', { capabilities: synchronising }],
]

export interface Scene extends AsyncDisposable {
  readonly pop: FakePop3Server
  readonly imap: FakeImapServer
  readonly folder: TempFolder
  /** What the IMAP server does at each event, as long as it is set. */
  hook: ((moment: Moment) => Script) | undefined
}

export async function openScene(options: FakeImapOptions, settle = '200ms'): Promise<Scene> {
  const scene = { hook: undefined as Scene['hook'] }
  const events = ['greeting', 'literal', 'APPEND', 'SELECT', 'STATUS', 'CREATE', 'UID FETCH', 'LOGOUT']
  const hooks = Object.fromEntries(events.map((event) => [event, (moment: Moment) => scene.hook?.(moment)]))
  const [pop, imap, folder] = await Promise.all([
    FakePop3Server.start({ messages }),
    FakeImapServer.start({ ...options, hooks }),
    tempFolder(),
  ])
  const accounts = [{ name: 'alice', source: pop.source(), targets: [imap.target({ folder: 'Moved' })] }]
  const retry = { attempts: 2, minDelay: '1ms', maxDelay: '2ms' }
  await writePlan(folder, { accounts, retry, timeouts: { settle } })
  return Object.assign(scene, {
    pop,
    imap,
    folder,
    [Symbol.asyncDispose]: async () => {
      for (const one of [pop, imap, folder]) await one[Symbol.asyncDispose]()
    },
  })
}

export function requireExact({ imap }: Scene, when: string): Checked {
  const stored = imap.store.messages('Moved').map(({ bytes }) => bytes.toString('latin1'))
  const checked = compare(stored, messages)
  expect(checked, when).toMatchObject({ lost: 0, doubled: 0 })
  return checked
}

/** A run that is killed when the server sees the `fatal`th event; then the server does what `then` says. */
export async function killAt(scene: Scene, fatal: number, then: Script): Promise<boolean> {
  let seen = 0
  await using running = startPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  scene.hook = () => {
    if (++seen !== fatal) return undefined
    running.kill('SIGKILL')
    return then
  }
  const { signal, code, stderr } = await running.finished
  scene.hook = undefined
  if (signal === null) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return signal === 'SIGKILL'
}

export async function runAgain(scene: Scene, when: string): Promise<Checked> {
  const again = await runPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  expect(again, when).toMatchObject({ code: 0, stdout: '', stderr: '' })
  return requireExact(scene, when)
}

/** A run that is killed when the server has got the first upload, which it stores later or never. */
export async function killAtAppend(scene: Scene, act: NonNullable<Script>['act'] & (number | 'later')): Promise<void> {
  await using running = startPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  scene.hook = ({ event }) => {
    if (event !== 'APPEND') return undefined
    running.kill('SIGKILL')
    return { act, cut: true }
  }
  expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
  scene.hook = undefined
}

/** A target of this process, as a run of the program would make it. */
export function imapTargetAt(
  server: FakeImapServer,
  {
    port = server.port,
    folder,
    timeouts,
  }: { readonly port?: number; readonly folder: string; readonly timeouts: Timeouts },
): Target {
  const { host, tls, tlsOptions, user } = server.target()
  const settings = { host, port, tls, user, folder, ...(tlsOptions !== undefined && { tlsOptions }) }
  const secrets = new Map([['password', async () => new Secret('secret')]])
  const context = targetContext({ target: 'imap', clock: systemClock, secrets, timeouts })
  return imap.create(imap.settings.parse(settings), context)
}
