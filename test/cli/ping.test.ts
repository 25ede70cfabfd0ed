import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { silently } from '../support/fake-actions.js'
import { openScene, printed } from './scene.js'

interface Watcher extends AsyncDisposable {
  readonly url: string
  /** The paths that it was asked for, in order. */
  readonly heard: readonly string[]
}

/** A web server on loopback that answers with this status; 0: never. */
async function watch(status = 200): Promise<Watcher> {
  const heard: string[] = []
  const server = createServer((request, response) => {
    heard.push(request.url ?? '')
    if (status > 0) response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('OK')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}/uuid-1234?a=b`,
    heard,
    [Symbol.asyncDispose]: async () => stop(server),
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

describe.concurrent('run --ping', () => {
  it('tells the start and the success', async () => {
    await using watcher = await watch()
    await using scene = await openScene()
    expect((await scene.run(['run', '--ping', watcher.url])).code).toBe(0)
    expect(watcher.heard).toEqual(['/uuid-1234/start?a=b', '/uuid-1234?a=b'])
  })

  it('tells a failure: of a message or account, of a wrong plan, of a run that was stopped', async () => {
    await using watcher = await watch()
    await using scene = await openScene({ source: { password: 'wrong' } })
    expect((await scene.run(['run', '--ping', watcher.url])).code).toBe(3)
    await scene.plan({ accounts: 7 })
    expect((await scene.run(['run', '--ping', watcher.url])).code).toBe(2)
    const each = ['/uuid-1234/start?a=b', '/uuid-1234/fail?a=b']
    expect(watcher.heard).toEqual([...each, ...each])
  })

  it('tells when a signal stopped the run', async () => {
    await using watcher = await watch()
    await using scene = await openScene({ hooks: { RETR: () => silently } })
    await using running = scene.start(['run', '--json', '--ping', watcher.url])
    await printed(running, 'account.listed')
    running.kill('SIGTERM')
    expect((await running.finished).code).toBe(143)
    expect(watcher.heard).toEqual(['/uuid-1234/start?a=b', '/uuid-1234/fail?a=b'])
  })

  it.each<[string, number, RegExp]>([
    ['refuses', 500, /it answered 500/],
    ['leads elsewhere', 302, /the connection failed|it answered 302|ERR/],
    ['never answers', 0, /no answer within 5 s/],
  ])('a watcher that %s is a warning, and its address stays a secret', async (_, status, reason) => {
    await using watcher = await watch(status)
    await using scene = await openScene()
    const { code, events, stdout, stderr } = await scene.run(['run', '--json', '--ping', watcher.url])
    expect(code).toBe(0)
    const warnings = events.filter(({ type }) => type === 'warning')
    expect(warnings.length).toBeGreaterThan(0)
    for (const warning of warnings) {
      expect(warning).toMatchObject({ code: 'ping-failed', message: expect.stringMatching(reason) as string })
    }
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', exitCode: 0 })
    expect(stdout + stderr).not.toContain('uuid-1234')
    expect(watcher.heard).not.toContain('/elsewhere')
  })

  it('nobody there: the run is not touched', async () => {
    const watcher = await watch()
    await watcher[Symbol.asyncDispose]()
    await using scene = await openScene()
    const { code, stderr } = await scene.run(['run', '--quiet', '--ping', watcher.url])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^(?:warning: the health check at 127\.0\.0\.1:\d+ was not told: ECONNREFUSED\n){2}$/)
  })

  it('a dry run tells nobody', async () => {
    await using watcher = await watch()
    await using scene = await openScene()
    expect((await scene.run(['run', '--dry-run', '--ping', watcher.url])).code).toBe(0)
    expect(watcher.heard).toEqual([])
  })

  it.each(['http://watch.example/x', 'ftp://127.0.0.1/x', 'https://user:pw@watch.example/x', 'nonsense'])(
    '%s is refused before anything happens',
    async (url) => {
      await using scene = await openScene()
      const { code, stderr } = await scene.run(['run', '--ping', url])
      expect(code).toBe(2)
      expect(stderr).toBe('--ping: expected an https URL without user and password\n')
      expect(scene.server.sessions).toEqual([])
    },
  )
})
