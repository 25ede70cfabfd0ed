import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { upTo } from '../support/fake-actions.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { readMaildir, runPopferry, tempFolder, writePlan } from '../support/rig.js'
import { threeMessages } from './scene.js'

interface Relay extends AsyncDisposable {
  readonly port: number
  /** Ends the newest connection of a client by a bare FIN, whatever is spoken inside of it. */
  end(): void
}

/** Connects the n-th client to the port that `choose` says. */
async function openRelay(choose: (connection: number) => number): Promise<Relay> {
  const sockets: Socket[] = []
  let count = 0
  let newest: Socket | undefined
  const relay = createServer((client) => {
    const server = connect(choose(++count), '127.0.0.1')
    newest = client
    sockets.push(client, server)
    for (const socket of [client, server]) socket.on('error', () => undefined)
    client.pipe(server).pipe(client)
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return {
    port: (relay.address() as AddressInfo).port,
    end: () => newest?.end(),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      relay.close()
      await once(relay, 'close')
    },
  }
}

describe.concurrent('TLS whose other end is not what it was', () => {
  it('TLS-08 a FIN without a word of TLS in the middle of a message: it is fetched again', async () => {
    await using server = await FakePop3Server.start({
      messages: threeMessages,
      tls: 'implicit',
      hooks: {
        RETR: ({ uidl, count }) =>
          uidl === 'u2' && count <= 2
            ? [
                upTo(20),
                () => {
                  relay.end()
                },
              ]
            : undefined,
      },
    })
    await using relay = await openRelay(() => server.port)
    await using folder = await tempFolder()
    const source = { ...server.source(), port: relay.port }
    const retry = { attempts: 3, minDelay: '1ms', maxDelay: '2ms' }
    await writePlan(folder, { retry, accounts: [{ name: 'alice', source, targets: [{ type: 'maildir', path: 'm' }] }] })
    expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
    const stored = (await readMaildir(folder.at('m'))).map(({ bytes }) => bytes.toString())
    expect(stored.toSorted()).toEqual(threeMessages.map((text) => text.replaceAll('\r\n', '\n')).toSorted())
    expect(server.retrs('u2')).toBe(2)
  })

  it('TLS-11 another certificate at a later connection: nobody signs in there, and the next run goes on', async () => {
    await using good = await FakePop3Server.start({ messages: threeMessages, tls: 'implicit', cutEvery: 1 })
    await using bad = await FakePop3Server.start({ messages: threeMessages, tls: 'implicit', certificate: 'expired' })
    await using relay = await openRelay((connection) => (connection % 2 === 0 ? bad.port : good.port))
    await using folder = await tempFolder()
    const source = { ...good.source(), port: relay.port, pipelining: 'off', sessions: 'single' }
    const retry = { attempts: 3, minDelay: '1ms', maxDelay: '2ms' }
    await writePlan(folder, { retry, accounts: [{ name: 'alice', source, targets: [{ type: 'maildir', path: 'm' }] }] })
    const codes: unknown[] = []
    for (let run = 0; run < 3; run++) codes.push((await runPopferry(['run', '--quiet'], { cwd: folder.path })).code)
    expect(codes).toEqual([3, 3, 0])
    expect(bad.sessions).toHaveLength(2)
    expect(bad.sessions.flatMap(({ lines }) => lines)).toEqual([])
    expect(await readMaildir(folder.at('m'))).toHaveLength(3)
  })
})
