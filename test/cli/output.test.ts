import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { readMaildir } from '../support/rig.js'
import { all, openScene, storedSubjects } from './scene.js'

describe.concurrent('colours', () => {
  it.each<[Record<string, string>, string[], boolean]>([
    [{ FORCE_COLOR: '1' }, [], true],
    [{ FORCE_COLOR: '1' }, ['--no-color'], false],
    [{ NO_COLOR: '1' }, [], false],
    [{ FORCE_COLOR: '1' }, ['--json'], false],
  ])('with %j and %j', async (env, args, coloured) => {
    await using scene = await openScene()
    const { stdout, stderr } = await scene.run(['run', ...args], { env })
    expect((stdout + stderr).includes('\u001b[32m')).toBe(coloured)
  })
})

describe.concurrent('PRC-07 a reader that goes away (`| head`) costs its output, never the copy', () => {
  it.each([[['run', '--json']], [['run', '-vv']]])('%j', async (args) => {
    await using scene = await openScene({
      messages: Array.from({ length: 400 }, (_, index) => `Subject: ${index}\r\n\r\ntext\r\n`),
    })
    await using running = scene.start(args)
    const stream = args.includes('--json') ? running.child.stdout : running.child.stderr
    if (!stream) throw new Error('no pipe')
    await once(stream, 'data')
    stream.destroy()
    expect(await running.finished).toMatchObject({ code: 0, signal: null })
    expect(await readMaildir(scene.folder.at('mail', 'alice'))).toHaveLength(400)
  })

  it('both streams gone before the first word', async () => {
    await using scene = await openScene()
    await using running = scene.start(['run', '-vv'])
    running.child.stdout?.destroy()
    running.child.stderr?.destroy()
    expect(await running.finished).toMatchObject({ code: 0, signal: null })
    expect(await storedSubjects(scene)).toEqual(all)
  })
})
