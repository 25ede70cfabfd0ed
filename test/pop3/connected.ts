import { Connection } from '../../src/net/connection.js'
import type { Transcript } from '../../src/net/wire-options.js'
import { Wire } from '../../src/pop3/wire.js'
import { ScriptServer, type Script } from './script-server.js'

export const patience = { connect: 5_000, reply: 5_000, stall: 5_000 }

export interface Connected extends AsyncDisposable {
  readonly server: ScriptServer
  readonly connection: Connection
  readonly wire: Wire
}

/** A plain connection to a script. */
export async function connected(
  script: Script = () => undefined,
  limits: Partial<typeof patience> = {},
  transcript?: Transcript,
): Promise<Connected> {
  const server = await ScriptServer.start(script)
  const all = { ...patience, ...limits }
  const endpoint = { host: '127.0.0.1', port: server.port }
  const connection = await Connection.dial(endpoint, all.connect, new AbortController().signal)
  connection.settle()
  const wire = new Wire(connection, { patience: all, transcript, scrub: (text) => text.replaceAll('canary', '***') })
  return {
    server,
    connection,
    wire,
    [Symbol.asyncDispose]: async () => {
      connection.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}
