import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Action, kill, stall } from '../support/fake-actions.js'
import { type RunOptions, readMaildir, readMboxrd } from '../support/rig.js'
import { noPrivateView } from '../support/servers/private-view.js'
import { account, all, openScene, printed, storedSubjects } from './scene.js'

/** Runs the program by a shell, which gets node and its arguments as `$0` and `$@`. */
const byShell = (script: string): Partial<RunOptions> => ({
  node: '/bin/sh',
  nodeArguments: ['-ec', script, process.execPath],
})

describe.concurrent('the process and what is around it', () => {
  it('PRC-09 whoever reads `--json` slowly gets all of it, to the last line', async () => {
    await using scene = await openScene({
      messages: Array.from({ length: 300 }, (_, index) => `Subject: ${index}\r\n\r\ntext\r\n`),
    })
    // A shell reads a pipe octet by octet.
    const slowly = byShell('"$0" "$@" | while IFS= read -r line; do printf "%s\\n" "$line"; done')
    const { events } = await scene.run(['run', '--json'], slowly)
    expect(events.length).toBeGreaterThan(600)
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', exitCode: 0, copied: 300 })
  })

  it('PRC-06 a signal is heard in the middle of a line of 50 MB', async () => {
    let pid = 0
    let sentAt = 0
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const longLine: Action = async (exchange) => {
      await exchange.send(Buffer.from('+OK\r\nSubject: one\r\n\r\n'))
      for (let count = 0; count < 800; count++) {
        if (count === 400) {
          sentAt = performance.now()
          process.kill(pid, 'SIGINT')
        }
        await exchange.send(chunk)
      }
      await exchange.send(Buffer.from('\r\n.\r\n'))
      await stall(exchange)
    }
    await using scene = await openScene({ hooks: { RETR: () => longLine } })
    await using running = scene.start(['run', '--quiet'])
    pid = running.pid
    expect(await running.finished).toMatchObject({ code: 130, signal: null })
    // Far less on a machine that has nothing else to do.
    expect(performance.now() - sentAt).toBeLessThan(10_000)
    expect(scene.server.sessions.every(({ quit }) => !quit)).toBe(true)
  })

  it('SEC-06 a diagnostic report of the runtime does not hold what variables held', async () => {
    const canary = 'Kanarie77'
    await using scene = await openScene({
      users: { bob: { password: canary, messages: ['Subject: bob\r\n\r\n'] } },
      plan: (server) => ({ accounts: [account('bob', { ...server.source('bob'), password: { env: 'BOB' } })] }),
      hooks: { RETR: () => stall },
    })
    const nodeArguments = ['--report-on-signal', '--report-on-fatalerror', '--report-filename=report.json']
    await using running = scene.start(['run'], { env: { BOB: canary, OTHER: 'seen' }, nodeArguments })
    await scene.server.seen('RETR')
    running.kill('SIGUSR2')
    let report = ''
    while (!report.endsWith('}\n') && !report.endsWith('}')) {
      await pause(50)
      report = await readFile(scene.folder.at('report.json'), 'utf8').catch(() => '')
    }
    expect(report).toContain('"OTHER"')
    expect(report).not.toContain('BOB')
    expect(report).not.toContain(canary)
  })

  it.skipIf(noPrivateView)(
    'PRC-13 in a container: as process 1, on a read-only root, under any host name (skipped unless root on Linux)',
    async () => {
      const readOnly = 'mount --bind "$PWD" "$PWD"; cd "$PWD"; mount -o remount,bind,ro /; ! touch /of-popferry 2>&-'
      const contained = (name: string): Partial<RunOptions> => ({
        node: 'unshare',
        nodeArguments: [
          ...['--mount', '--pid', '--uts', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'],
          ...['sh', '-ec', `hostname ${name}; ${readOnly}; exec "$0" "$@"`, process.execPath],
        ],
      })
      await using scene = await openScene({ hooks: { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) } })
      await using running = scene.start(['run', '--json'], contained('one'))
      await printed(running, '"target":"mbox","messages":1,"copied":1')
      const [inside = NaN] = (await readFile(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8'))
        .split(' ')
        .map(Number)
      expect(await readFile(`/proc/${inside}/status`, 'utf8')).toMatch(/^NSpid:\t\d+\t1$/m)
      await kill(inside, 'SIGTERM')(undefined as never)
      expect(await running.finished).toMatchObject({ code: 143, stderr: '' })
      scene.server.hooks = {}
      expect(await scene.run(['run', '--quiet'], contained('two'))).toMatchObject({ code: 0, stderr: '' })
      expect(await storedSubjects(scene)).toEqual(all)
      expect(scene.server.retrs('u1')).toBe(1)
    },
  )

  it('FS-06 where few files may be open, all messages come through; where too few, it says so', async () => {
    const messages = Array.from({ length: 500 }, (_, index) => `Subject: ${index}\r\n\r\ntext\r\n`)
    await using scene = await openScene({ messages })
    const limited = (count: number) => byShell(`ulimit -n ${count}; exec "$0" "$@"`)
    const { code, stderr } = await scene.run(['run', '--quiet'], limited(40))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^popferry: .*EMFILE.*ulimit -n/)
    expect(await scene.run(['run', '--quiet'], limited(200))).toMatchObject({ code: 0, stderr: '' })
    expect(await readMaildir(scene.folder.at('mail', 'alice'))).toHaveLength(500)
  })

  it('FS-09 a state folder 200 deep, and names of 255 octets; one that leaves no room for a lock fails alone', async () => {
    const state = Array.from({ length: 200 }, () => 'd').join('/')
    const targets = [
      { type: 'maildir', path: `mail/${'m'.repeat(255)}` },
      { type: 'mbox', path: `mail/${'b'.repeat(200)}` },
      { type: 'mbox', path: `mail/${'b'.repeat(255)}` },
    ]
    await using scene = await openScene({
      plan: (server) => ({ state, accounts: [{ name: 'alice', source: server.source(), targets }] }),
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.filter(({ type }) => type === 'target.stopped')).toMatchObject([{ target: 'mbox-2', code: 'io' }])
    expect(await readMaildir(scene.folder.at('mail', 'm'.repeat(255)))).toHaveLength(3)
    expect(await readMboxrd(scene.folder.at('mail', 'b'.repeat(200)))).toHaveLength(3)
  })
})
