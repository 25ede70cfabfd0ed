import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import { openScene, type Scene, type SceneOptions } from './scene.js'

/** A POP3 server, an IMAP server, and a plan that copies alice's maildrop from the one to the other. */
export interface ImapScene extends Scene {
  readonly imap: FakeImapServer
  /** Each message of a folder, as Latin-1 text, sorted. */
  stored(folder?: string): readonly string[]
}

interface ImapSceneOptions extends SceneOptions {
  readonly imap?: FakeImapOptions
  /** Settings of the target beside the server's own. */
  readonly target?: object
  /** Further targets. */
  readonly targets?: readonly object[]
  /** Settings of the plan. */
  readonly settings?: object
}

/** Long enough for a server that goes on for a moment, short enough for a test. */
const settle = { settle: '300ms' }

export async function openImapScene(options: ImapSceneOptions = {}): Promise<ImapScene> {
  const { imap: habits = {}, target = {}, targets = [], settings = {}, ...rest } = options
  const imap = await FakeImapServer.start(habits)
  const scene = await openScene({
    ...rest,
    plan: (server) => ({
      timeouts: settle,
      accounts: [{ name: 'alice', source: server.source(), targets: [imap.target(target), ...targets] }],
      ...settings,
    }),
  })
  return {
    ...scene,
    imap,
    stored: (folder = 'INBOX') =>
      imap.store
        .messages(folder)
        .map(({ bytes }) => bytes.toString('latin1'))
        .toSorted(),
    [Symbol.asyncDispose]: async () => {
      await imap[Symbol.asyncDispose]()
      await scene[Symbol.asyncDispose]()
    },
  }
}
