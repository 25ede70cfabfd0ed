import { mkdir, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readMaildir, readMboxrd, runPopferry, tempFolder } from '../support/rig.js'
import { messagesIn } from '../support/zip.js'
import { snapshot } from './scene.js'

describe.concurrent('demo', () => {
  it('copies a sample mailbox twice, the second time nothing, and says how to look at it', async () => {
    await using folder = await tempFolder()
    const { code, stdout } = await runPopferry(['demo'], { cwd: folder.path })
    expect(code).toBe(0)
    const verdicts = stdout.split('\n').filter((line) => line.startsWith('All '))
    expect(verdicts).toEqual([
      expect.stringMatching(/^All (\d+) messages of 1 account are safe: \1 copied /),
      expect.stringMatching(/ are safe: nothing new\.$/),
    ])
    const count = Number(/^All (\d+)/.exec(verdicts[0] ?? '')?.[1])
    expect(await readMaildir(folder.at('popferry-demo', 'sam'))).toHaveLength(count)
    expect(await readMboxrd(folder.at('popferry-demo', 'sam.mbox'))).toHaveLength(count)
    expect(await messagesIn(folder.at('popferry-demo', 'sam.zip'))).toHaveLength(count)
    for (const words of [
      'popferry-demo/sam/new ',
      'mutt -f popferry-demo/sam.mbox ',
      'unzip -q -d popferry-demo/mail popferry-demo/sam.zip ',
      ' popferry-demo/mail/index.html ',
      'popferry status popferry-demo/',
    ]) {
      expect(stdout).toContain(words)
    }
    const before = await snapshot(folder.path)
    const again = await runPopferry(['demo'], { cwd: folder.path })
    expect(again).toMatchObject({ code: 2, stdout: '' })
    expect(again.stderr).toContain('popferry-demo is not empty: remove it')
    expect(await snapshot(folder.path)).toEqual(before)
    const status = await runPopferry(['status', 'popferry-demo/migrate.yaml'], { cwd: folder.path })
    expect(status.stdout).toMatch(new RegExp(`sam +maildir +${count} `))
  })

  it('takes an empty folder; --json prints the events of one run', async () => {
    await using folder = await tempFolder()
    await mkdir(folder.at('popferry-demo'))
    const { code, events } = await runPopferry(['demo', '--json'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(events.filter(({ type }) => type === 'run.finished')).toEqual([events.at(-1)])
    expect(events.at(-1)).toMatchObject({ exitCode: 0, failed: 0, pending: 0 })
  })

  it('does not touch a file in its way', async () => {
    await using folder = await tempFolder()
    await writeFile(folder.at('popferry-demo'), 'mine')
    const { code, stderr } = await runPopferry(['demo'], { cwd: folder.path })
    expect({ code, lines: stderr.split('\n').length }).toEqual({ code: 2, lines: 2 })
    expect(stderr).toContain('popferry-demo is in the way: move it')
  })
})
