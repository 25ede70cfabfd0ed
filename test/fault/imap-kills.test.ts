import { describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import type { ImapHook } from '../support/fake-imap-session.js'
import { runPopferry, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import { messages, thorough } from './scene.js'
import { type Checked, compare, count } from './tally.js'

type Moment = Parameters<ImapHook>[0]
type Script = ReturnType<ImapHook>

const withoutUidPlus = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', 'NAMESPACE']
const synchronising = ['IMAP4rev1', 'AUTH=PLAIN', 'UIDPLUS', 'NAMESPACE']
const servers: readonly (readonly [string, FakeImapOptions])[] = [
  ['with everything', {}],
  ['without UIDPLUS and MULTIAPPEND', { capabilities: withoutUidPlus }],
  ['with synchronising literals', { capabilities: synchronising }],
]

interface Scene extends AsyncDisposable {
  readonly pop: FakePop3Server
  readonly imap: FakeImapServer
  readonly folder: TempFolder
  /** What the IMAP server does at each event, as long as it is set. */
  hook: ((moment: Moment) => Script) | undefined
}

async function openScene(options: FakeImapOptions): Promise<Scene> {
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
  await writePlan(folder, { accounts, retry, timeouts: { settle: '200ms' } })
  return Object.assign(scene, {
    pop,
    imap,
    folder,
    [Symbol.asyncDispose]: async () => {
      for (const one of [pop, imap, folder]) await one[Symbol.asyncDispose]()
    },
  })
}

function requireExact({ imap }: Scene, when: string): Checked {
  const stored = imap.store.messages('Moved').map(({ bytes }) => bytes.toString('latin1'))
  const checked = compare(stored, messages)
  expect(checked, when).toMatchObject({ lost: 0, doubled: 0 })
  return checked
}

/** A run that is killed when the server sees the `fatal`th event; then the server does what `then` says. */
async function killAt(scene: Scene, fatal: number, then: Script): Promise<boolean> {
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

async function runAgain(scene: Scene, when: string): Promise<Checked> {
  const again = await runPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  expect(again, when).toMatchObject({ code: 0, stdout: '', stderr: '' })
  return requireExact(scene, when)
}

describe.each(servers)('killed at every event of the dialogue with a server %s', (_, options) => {
  it('ends with each message exactly once', async (context) => {
    const phases: readonly (readonly [string, Script])[] = [
      ['the server has done nothing', { cut: true }],
      ['the server has stored and not answered', { act: true, cut: true }],
      ['the server stores a moment later', { act: 50, cut: true }],
    ]
    // All of it in `npm run test:fault`; else each event in one phase only.
    for (const [index, [phase, script]] of phases.entries()) {
      let killed = 0
      for (let fatal = 1 + (thorough ? 0 : index * 2); ; fatal += thorough ? 1 : 11) {
        await using scene = await openScene(options)
        const when = `killed at event ${fatal}, ${phase}`
        if (!(await killAt(scene, fatal, script))) break
        killed++
        count(context, { kills: 1, ...(await runAgain(scene, when)) })
        expect(scene.pop.sessions.filter(({ quit }) => quit).length, when).toBeGreaterThan(0)
      }
      expect(killed, phase).toBeGreaterThan(thorough ? 5 : 0)
    }
  }, 240_000)
})

it('killed in mid-literal: what was half sent is not stored, the rest once', async () => {
  await using scene = await openScene({})
  await using running = startPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  scene.hook = ({ event, count }) => {
    if (event !== 'literal' || count !== 4) return undefined
    // Half of the large one is there.
    return {
      cut: 600_000,
      kill: () => {
        running.kill('SIGKILL')
      },
    }
  }
  expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
  scene.hook = undefined
  await runAgain(scene, 'mid-literal')
})

it('a server that stores long after: the run after the next puts it right', async () => {
  await using scene = await openScene({})
  await using running = startPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  scene.hook = ({ event }) => {
    if (event !== 'APPEND') return undefined
    running.kill('SIGKILL')
    return { act: 'later', cut: true }
  }
  expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
  scene.hook = undefined
  await runAgain(scene, 'the server is still silent')
  scene.imap.release()
  expect(scene.imap.store.messages('Moved').length).toBeGreaterThan(messages.length)
  const { code, stderr } = await runPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('each is there once') as string })
  requireExact(scene, 'the late copies are dealt with')
  await runAgain(scene, 'once more')
})
