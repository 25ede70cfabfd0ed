import { execFileSync } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { honest } from '../support/fake-actions.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { canMount } from '../support/machine.js'
import { runPopferry, type TempFolder, writePlan } from '../support/rig.js'
import { fresh, messages, requireExact, thorough } from './scene.js'
import { count } from './tally.js'

/** What holds the targets goes away in mid-run, and comes back behind it. */
interface Way {
  readonly name: string
  /** Whether the process may do that. */
  readonly can: boolean
  readonly prepare?: (folder: TempFolder) => Promise<void>
  readonly away: (folder: TempFolder) => Promise<void>
  readonly back: (folder: TempFolder) => Promise<void>
}

const mount = (...args: readonly string[]): void => void execFileSync('mount', args)

/** The places, each of which is a folder or in one. */
const places = ['maildir', 'zips']

const each = async (act: (place: string) => Promise<void>): Promise<void> => {
  for (const place of places) await act(place)
}

const ways: readonly Way[] = [
  {
    name: 'folders that are renamed',
    can: true,
    away: async (folder) => each(async (place) => rename(folder.at(place), folder.at(`${place}.away`))),
    back: async (folder) => each(async (place) => rename(folder.at(`${place}.away`), folder.at(place))),
  },
  {
    name: 'folders in whose place come empty ones',
    can: true,
    away: async (folder) =>
      each(async (place) => {
        await rename(folder.at(place), folder.at(`${place}.away`))
        await mkdir(folder.at(place))
        if (place === 'maildir') for (const part of ['tmp', 'new', 'cur']) await mkdir(folder.at(place, part))
      }),
    back: async (folder) =>
      each(async (place) => {
        await rename(folder.at(place), folder.at(`${place}.empty`))
        await rename(folder.at(`${place}.away`), folder.at(place))
        await rm(folder.at(`${place}.empty`), { recursive: true })
      }),
  },
  {
    name: 'disks that are unmounted',
    can: canMount,
    prepare: async (folder) =>
      each(async (place) => {
        await rename(folder.at(place), folder.at(`${place}.disk`)).catch(async () => mkdir(folder.at(`${place}.disk`)))
        await mkdir(folder.at(place))
        mount('--bind', folder.at(`${place}.disk`), folder.at(place))
      }),
    away: async (folder) => each(async (place) => void execFileSync('umount', ['--lazy', folder.at(place)])),
    back: async (folder) =>
      each(async (place) => {
        await rm(folder.at(place), { recursive: true })
        await rename(folder.at(`${place}.disk`), folder.at(place))
      }),
  },
  {
    name: 'disks that become read-only',
    can: canMount,
    prepare: async (folder) =>
      each(async (place) => {
        await mkdir(folder.at(place), { recursive: true })
        mount('--bind', folder.at(place), folder.at(place))
      }),
    away: async (folder) =>
      each(async (place) => {
        mount('-o', 'remount,bind,ro', folder.at(place))
      }),
    back: async (folder) => each(async (place) => void execFileSync('umount', ['--lazy', folder.at(place)])),
  },
]

describe.each(ways)('FS-08 in mid-run, $name', ({ can, prepare, away, back }) => {
  it.skipIf(!can)(
    'stop what is there, and when they are back each message is there once',
    { timeout: 3_600_000 },
    async (context) => {
      // With nothing delivered yet, and with the first half delivered by an earlier run.
      for (const delivered of thorough ? [0, 3] : [3]) {
        for (const at of thorough ? [1, 2, 3, 4, 5, 6] : [5]) {
          if (at <= delivered) continue
          let gone = false
          await using server = await FakePop3Server.start({ messages })
          await using folder = await fresh()
          await mkdir(folder.at('zips'))
          await prepare?.(folder)
          const targets = [
            { type: 'maildir', path: 'maildir' },
            { type: 'mbox', path: 'mbox' },
            { type: 'eml-zip', path: 'zips/mail.zip' },
          ]
          await writePlan(folder, { state: 'state', accounts: [{ name: 'alice', source: server.source(), targets }] })
          if (delivered > 0) await runPopferry(['run', '--quiet', '--limit', String(delivered)], { cwd: folder.path })
          server.hooks = {
            RETR: ({ uidl }) =>
              uidl === `u${at}` && !gone
                ? [
                    async () => {
                      gone = true
                      await away(folder)
                    },
                    honest,
                  ]
                : undefined,
          }
          const { code, stderr } = await runPopferry(['run', '--quiet'], { cwd: folder.path })
          expect(gone).toBe(true)
          expect(code).toBe(3)
          expect(stderr.match(/is the disk mounted|read-only/g)?.length, stderr).toBeGreaterThanOrEqual(2)
          if (delivered > 0) {
            // As long as they are away nothing is stored in their places.
            const again = await runPopferry(['run', '--quiet'], { cwd: folder.path })
            expect(again.code).toBe(3)
            expect(again.stderr.match(/is the disk mounted|read-only/g)).toHaveLength(2)
          }
          await back(folder)
          const last = await runPopferry(['run', '--quiet'], { cwd: folder.path })
          expect(last).toMatchObject({ code: 0, stderr: '' })
          count(context, { faults: 1, ...(await requireExact(folder)) })
        }
      }
    },
  )
})
