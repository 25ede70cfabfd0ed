import { normalize } from 'node:path'
import { ImapTarget } from '../../src/targets/imap.js'
import { type ImapSettings, imapSettings } from '../../src/targets/imap-settings.js'
import type { Receipt } from '../../src/ports/target.js'
import type { TargetHarness, TargetPlace } from '../contract/target.js'
import { open } from '../imap/opened.js'
import { InstantClock } from '../support/clock.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'

/** An IMAP folder as the suite sees it: in the memory of the fake server. */
export function imapHarness(
  habits: FakeImapOptions = {},
  chosen: Partial<ImapSettings> = {},
): TargetHarness & AsyncDisposable {
  const servers: Promise<FakeImapServer>[] = []
  return {
    ordered: false,
    exclusive: false,
    form: (bytes) => bytes,
    at: (folder) => {
      const server = FakeImapServer.start(habits)
      servers.push(server)
      return imapPlace(server, {
        folder: `Archive/${normalize(folder).replaceAll('/', '-').replace(/-$/, '')}`,
        ...chosen,
      })
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) await (await server)[Symbol.asyncDispose]()
    },
  }
}

function imapPlace(starting: Promise<FakeImapServer>, chosen: Partial<ImapSettings>): TargetPlace {
  const settings = imapSettings.parse(chosen)
  const { folder } = settings
  const box = (server: FakeImapServer): string => {
    if (!server.store.has(folder)) server.store.create(folder)
    return folder
  }
  const numberOf = ({ where }: Receipt): number => Number(where.split(':')[1])
  return {
    target: () => {
      const context = { clock: new InstantClock(), settleMs: 30_000, warn: () => undefined }
      return new ImapTarget(settings, context, {
        user: 'alice',
        server: 'imap.example',
        connect: async () => open(await starting),
      })
    },
    stored: async () => {
      const server = await starting
      return server.store.messages(box(server)).map(({ bytes }) => bytes)
    },
    addForeign: async (bytes) => {
      const server = await starting
      server.store.add(box(server), { bytes, flags: [], date: undefined })
    },
    // A server stores a message whole or not at all.
    breakOff: async (receipt) => {
      const server = await starting
      server.store.remove(box(server), numberOf(receipt))
    },
    remove: async (receipt) => {
      const server = await starting
      server.store.remove(box(server), numberOf(receipt))
    },
    alter: async (receipt) => {
      const server = await starting
      server.store.alter(box(server), numberOf(receipt))
    },
    empty: async () => {
      const server = await starting
      for (const { uid } of [...server.store.messages(box(server))]) server.store.remove(box(server), uid)
    },
    destroy: async () => {
      const server = await starting
      server.store.delete(box(server))
    },
  }
}
