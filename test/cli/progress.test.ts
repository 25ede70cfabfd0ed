import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { Screen } from '../reporters/screen.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { letter } from '../support/mail.js'
import { runPopferry, tempFolder, type TempFolder, writePlan } from '../support/rig.js'
import { hasTerminals, startInTerminal } from '../support/terminal.js'

const names = Array.from({ length: 200 }, (_, index) => `account-${String(index).padStart(3, '0')}`)
const messages = Array.from({ length: 4 }, (_, index) => letter(`letter ${index}`, 3000))
const users = Object.fromEntries(names.map((name) => [name, { password: 'secret', messages }]))

/** A plan with 200 accounts of this server, so many at once. */
async function crowd(server: FakePop3Server, folder: TempFolder, atOnce: number): Promise<void> {
  await writeFile(folder.at('users.csv'), ['name', ...names, ''].join('\n'), { mode: 0o600 })
  await writePlan(folder, {
    accountsFrom: { csv: 'users.csv' },
    concurrency: { accounts: atOnce, perHost: atOnce },
    defaults: {
      source: { ...server.source(), user: '{account}', sessions: 'single' },
      targets: [{ type: 'maildir', path: 'mail/{account}' }],
    },
  })
}

describe.skipIf(!hasTerminals)(
  'the progress of 200 accounts on a real terminal (skipped without Python on Linux)',
  () => {
    it.each([
      { rows: 24, columns: 80 },
      { rows: 10, columns: 40 },
    ])(
      '$rows rows of $columns: never more lines than it has, one total with rate and time left',
      async (size) => {
        await using server = await FakePop3Server.start({ users })
        await using folder = await tempFolder()
        await crowd(server, folder, 40)
        await using running = startInTerminal(['run', '--no-color'], size, { cwd: folder.path })
        const screen = new Screen(size.columns, size.rows)
        let started = ''
        const frames: (readonly string[])[] = []
        running.child.stdout?.on('data', (chunk: Buffer) => {
          // A sequence may come in two pieces.
          const [whole = '', rest = ''] = `${started}${String(chunk)}`.split(/(\u001b(?:\[[\d;?]*)?$)/)
          started = rest
          screen.write(whole)
          // A frame ends with the line of the whole.
          if (screen.lines.at(-1)?.startsWith('total')) frames.push([...screen.lines])
        })
        expect(await running.finished).toMatchObject({ code: 0, stderr: '' })
        expect(frames.length).toBeGreaterThan(5)
        for (const frame of frames) {
          // What stays on the screen or scrolls off is a line for each account that is done, never a bar.
          const bars = frame.filter((line) => !line.endsWith(': 4 messages copied (12.3 KB)'))
          expect(bars.length).toBeLessThanOrEqual(size.rows - 2)
          expect(bars.filter((line) => line.startsWith('total'))).toEqual([frame.at(-1)])
          for (const line of bars) expect(line.length).toBeLessThan(size.columns)
        }
        expect(frames.flat()).toContainEqual(expect.stringMatching(/^total .*\d (?:B|KB|MB)\/s {2}\d+ s left/))
        expect(new Set(screen.lines.slice(0, names.length)).size).toBe(names.length)
        expect(screen.lines.slice(names.length).join('')).toMatch(
          /^All 800 messages of 200 accounts are safe: 800 copied/,
        )
      },
      120_000,
    )
  },
)

it('200 accounts without a terminal: a few plain lines, and not a word on stderr that is not about mail', async () => {
  await using server = await FakePop3Server.start({ users })
  await using folder = await tempFolder()
  await crowd(server, folder, 40)
  const first = await runPopferry(['run', '--quiet'], { cwd: folder.path })
  expect(first).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(await runPopferry(['run'], { cwd: folder.path })).toMatchObject({
    code: 0,
    stdout: 'All 800 messages of 200 accounts are safe: nothing new.\n',
    stderr: '',
  })
}, 120_000)
