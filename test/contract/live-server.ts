import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { oddMail } from '../support/mail.js'
import { type Digests, findPython, readByPlainPop3, readByPython } from '../support/readers.js'
import { realisticMail } from '../support/realistic-mail.js'
import { type Finished, runPopferry, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'
import type { LiveServer, ServerKind } from '../support/servers/live-server.js'
import { snapshot } from '../support/snapshot.js'
import { openTap, type Tap } from '../support/tap.js'

/** A maildrop of many years without its largest messages, and what no mail program would send. */
const mail = [...realisticMail(400, 1939), ...oddMail.map(([, bytes]) => bytes)].filter(({ length }) => length < 1e6)

/**
 * What popferry promises of every server: each message arrives as the server serves it, once, and a second run changes
 * nothing. One line says why, where the server cannot be had or does not start.
 */
export async function describeServer(kind: ServerKind, more?: (scene: () => Scene) => void): Promise<void> {
  const found = { ...(await kind.find()), ...(await findPython()) } as { readonly root: string; missing?: string }
  let { missing } = found
  let scene: Scene

  // One with a LOGIN-DELAY is waited for before each sign-in.
  describe(`a maildrop of many years in a real ${kind.name}`, { timeout: 150_000 }, () => {
    beforeAll(async () => {
      if (missing !== undefined) return
      try {
        scene = await openScene(await kind.start(found.root))
      } catch (error) {
        missing = `${kind.name} does not start: ${String(error)}`
      }
    }, 60_000)

    beforeEach(({ skip }) => {
      skip(missing !== undefined, missing)
    })

    afterAll(async () => {
      if (missing === undefined) await scene[Symbol.asyncDispose]()
    })

    it('is served as the tests expect it', async () => {
      scene.sent = await readByPlainPop3(scene.server.port, kind.beforeSignIn)
      expect(scene.sent.exact).toHaveLength(scene.taken.length)
      const { served } = kind
      if (served) expect(scene.sent.exact).toEqual(scene.taken.map((message) => digest(served(message))).toSorted())
    })

    it('is copied whole in one run, into a Maildir and an mbox', async () => {
      const { code, stderr, events } = await scene.run(['run', '--json'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const count = scene.taken.length
      expect(events.at(-1)).toMatchObject({ type: 'run.finished', listed: count, copied: count, failed: 0 })
      expect(scene.tap.retrs).toBe(count)
      await scene.requireExact(scene.folder)
    })

    it('is left alone by a second run, which says nothing', async () => {
      const before = await snapshot(scene.folder.at('archive'))
      scene.tap.retrs = 0
      expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
      expect(scene.tap.retrs).toBe(0)
      expect(await snapshot(scene.folder.at('archive'))).toEqual(before)
    })

    it('is copied exactly once though the program is killed three times', async () => {
      await using folder = await tempFolder()
      await plan(folder, scene.tap.port)
      for (const share of [0.3, 0.8]) {
        await killedRun(folder, (kill) => {
          scene.tap.retrs = 0
          scene.tap.onRetr = () => {
            if (scene.tap.retrs === Math.floor(scene.taken.length * share)) kill()
          }
        })
      }
      scene.tap.onRetr = undefined
      let arrived = 0
      await killedRun(folder, (kill, over) => {
        watch(folder.at('archive/maildir/new'), { signal: over }, () => {
          if (++arrived === 50) kill()
        })
      })
      expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
      await scene.requireExact(folder)
    })

    if (kind.stls) {
      it('is copied over STLS', async () => {
        await using folder = await tempFolder()
        await plan(folder, scene.server.port, { tls: 'starttls', tlsOptions: { ca: FakePop3Server.ca } })
        expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
        await scene.requireExact(folder)
      })
    }

    more?.(() => scene)

    it('loses by `afterCopy: delete` what was copied, except where two messages share an id', async () => {
      const trial = await scene.run(['run', '--dry-run', '--json', '--state', 'no.state'])
      const ids = trial.events.filter(({ type }) => type === 'message.wanted').map(({ uidl }) => uidl)
      const unique = ids.filter((id) => ids.indexOf(id) === ids.lastIndexOf(id))
      await plan(scene.folder, scene.tap.port, undefined, { afterCopy: 'delete' })
      scene.tap.retrs = 0
      let deleted = 0
      // One run may have to leave the confirmation to the next, where sign-ins keep a distance.
      for (let round = 0; round < 2; round++) {
        const { code, stderr, events } = await scene.run(['run', '--json'])
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        deleted += Number(events.at(-1)?.['deleted'])
      }
      expect(deleted).toBe(unique.length)
      expect(scene.tap.retrs).toBe(0)
      await scene.requireExact(scene.folder)
    })
  })
}

/** A server with mail in it, a relay before it, and a plan for that. */
export interface Scene extends AsyncDisposable {
  readonly server: LiveServer
  readonly tap: Tap
  readonly folder: TempFolder
  /** What the server was given. */
  readonly taken: readonly Buffer[]
  /** What the server sends. */
  sent: Digests
  run(args: readonly string[]): Promise<Finished>
  /** Each message stands once in the Maildir and in the mbox. */
  requireExact(folder: TempFolder): Promise<void>
}

async function openScene(server: LiveServer): Promise<Scene> {
  const taken = await server.fill(mail)
  const tap = await openTap(server.port)
  const folder = await tempFolder()
  await plan(folder, tap.port)
  const scene: Scene = {
    server,
    taken,
    tap,
    folder,
    sent: { exact: [], shown: [], loose: [] },
    run: (args) => runPopferry(args, { cwd: folder.path }),
    requireExact: async (place) => {
      for (const kind of ['maildir', 'mbox'] as const) {
        const { exact } = await readByPython(kind, place.at('archive', kind))
        expect(exact, kind).toEqual(scene.sent.exact)
      }
    },
    [Symbol.asyncDispose]: async () => {
      await tap[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
  return scene
}

/** Runs the program until `arm` has it killed. */
async function killedRun(folder: TempFolder, arm: (kill: () => void, over: AbortSignal) => void): Promise<void> {
  await using running = startPopferry(['run', '--quiet'], { cwd: folder.path })
  const over = new AbortController()
  arm(() => {
    running.kill('SIGKILL')
  }, over.signal)
  const { signal, stderr } = await running.finished
  over.abort()
  expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
}

async function plan(
  folder: TempFolder,
  port: number,
  more: object = { tls: 'none' },
  rule: object = {},
): Promise<void> {
  const source = { host: '127.0.0.1', port, user: 'alice', password: 'secret', ...more }
  const targets = ['maildir', 'mbox'].map((type) => ({ type, path: `archive/${type}` }))
  // A killed session may hold the maildrop a moment longer.
  await writePlan(folder, {
    retry: { attempts: 50, minDelay: '10ms', maxDelay: '200ms' },
    accounts: [{ name: 'alice', source, targets, ...rule }],
  })
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
