import { chown, writeFile } from 'node:fs/promises'
import { type Unpacked, unpackedPackages } from '../debian-packages.js'
import type { LiveServer, ServerKind } from './live-server.js'
import { alice, noPrivateView, pam, type PrivateServer, PrivateView } from './private-view.js'
import { inetd } from './server-process.js'

/**
 * popa3d: no CAPA, hence no pipelining; ids are digests of some header fields, and shared by messages without these;
 * where a message has no text it serves the blank line between messages as the end of the header.
 */
export const popa3d: ServerKind = {
  name: 'popa3d',
  stls: false,
  find: async () => unpacked('popa3d'),
  start: async (root) =>
    startMboxServer({
      root,
      etc: { 'pam.d/popa3d': pam },
      servants: ['popa3d'],
      before: 'mkdir /var/lib/popa3d',
      command: [...inetd, '/usr/sbin/popa3d'],
    }),
  served: (message) => {
    const text = inMbox(message)
    return withCrlf(/^\n|\n\n/.test(text) ? text : `${text}\n`)
  },
}

/** solid-pop3d: no CAPA; ids are digests, and shared by twins; it serves the blank line between messages, too. */
export const solidPop3d: ServerKind = {
  name: 'solid-pop3d',
  stls: false,
  find: async () => unpacked('solid-pop3d'),
  start: async (root) =>
    startMboxServer({
      root,
      etc: { 'pam.d/solid-pop3d': pam },
      servants: ['spop3d'],
      before: 'mkdir -p /var/lib/solid-pop3d/bulletins',
      command: [...inetd, '/usr/sbin/solid-pop3d', '-f', `${root}/etc/spop3d.conf`],
    }),
  served: (message) => withCrlf(`${inMbox(message)}\n`),
}

async function unpacked(name: string): Promise<Unpacked> {
  return noPrivateView === undefined ? unpackedPackages({ name, packages: [name] }) : { missing: noPrivateView }
}

/** A server that serves /var/mail/alice. */
export async function startMboxServer(server: PrivateServer): Promise<LiveServer> {
  const view = await PrivateView.start(server)
  try {
    return {
      port: await view.process.port(),
      fill: async (messages) => {
        const text = messages.map((message) => `${fromLine}${inMbox(message)}\n`).join('')
        await writeFile(view.spool, text, { encoding: 'latin1', mode: 0o600 })
        await chown(view.spool, alice, alice)
        return messages
      },
      [Symbol.asyncDispose]: async () => view[Symbol.asyncDispose](),
    }
  } catch (error) {
    await view[Symbol.asyncDispose]()
    throw error
  }
}

const fromLine = 'From ada@harbour.example Thu Sep  2 08:00:00 2004\n'

/** Latin-1 text of a message as a mail system writes it: LF line ends, the last one too, and `From ` quoted. */
function inMbox(message: Buffer): string {
  const text = message.toString('latin1').replaceAll('\r\n', '\n')
  return (text.endsWith('\n') ? text : `${text}\n`).replaceAll(/^(?=>*From )/gm, '>')
}

function withCrlf(text: string): Buffer {
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')
}
