import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unpackedPackages } from '../debian-packages.js'
import type { ServerKind } from './live-server.js'
import { alice, certificate, noPrivateView, pam, PrivateView } from './private-view.js'
import { inetd } from './server-process.js'

const programs = '/usr/lib/courier/courier'

/** Courier: without UTF8 it wraps messages with 8-bit headers (QUIRKS CAP-08). */
export const courier: ServerKind = {
  name: 'Courier',
  stls: true,
  beforeSignIn: ['UTF8'],
  find: async () =>
    noPrivateView === undefined
      ? unpackedPackages({ name: 'courier', packages: ['courier-pop'] })
      : { missing: noPrivateView },
  start: async (root) => {
    const view = await PrivateView.start({
      root,
      etc: {
        'pam.d/pop3': pam,
        'courier/authdaemonrc': authdaemon,
        'courier/pop3.pem': certificate.key + certificate.cert,
      },
      servants: ['courier'],
      before: startAuthdaemon,
      command: [...inetd, `${programs}/courierpop3login`, `${programs}/courierpop3d`, 'Maildir'],
      environment,
    })
    try {
      return {
        port: await view.process.port(),
        fill: async (messages) => fillMaildir(join(view.home, 'Maildir'), messages),
        [Symbol.asyncDispose]: async () => view[Symbol.asyncDispose](),
      }
    } catch (error) {
      await view[Symbol.asyncDispose]()
      throw error
    }
  },
  // As it is in the Maildir; the last line gets its end.
  served: (message) => {
    const text = message.toString('latin1').replaceAll('\r\n', '\n')
    return Buffer.from((text.endsWith('\n') ? text : `${text}\n`).replaceAll('\n', '\r\n'), 'latin1')
  },
}

export const authdaemon = `authmodulelist="authpam"
authmodulelistorig="authpam"
daemons=2
authdaemonvar=/run/courier/authdaemon
DEBUG_LOGIN=0
DEFAULTOPTIONS=""
`

export const startAuthdaemon = `
mkdir -p /run/courier/authdaemon
/usr/lib/courier/courier-authlib/authdaemond &
until [ -S /run/courier/authdaemon/socket ]; do sleep 0.02; done
`

/** What its starting script and its own inetd would set. */
export const environment = {
  MAILDIRPATH: 'Maildir',
  POP3AUTH: 'LOGIN PLAIN',
  POP3_STARTTLS: 'YES',
  POP3_TLS_REQUIRED: '0',
  COURIERTLS: '/usr/bin/couriertls',
  TLS_CERTFILE: '/etc/courier/pop3.pem',
  TLS_VERIFYPEER: 'NONE',
  TCPREMOTEIP: '127.0.0.1',
  TCPREMOTEPORT: '0',
  TCPLOCALIP: '127.0.0.1',
  TCPLOCALPORT: '0',
}

async function fillMaildir(path: string, messages: readonly Buffer[]): Promise<readonly Buffer[]> {
  for (const part of ['.', 'new', 'cur', 'tmp']) {
    await mkdir(join(path, part), { recursive: true, mode: 0o700 })
    await chown(join(path, part), alice, alice)
  }
  for (const [index, message] of messages.entries()) {
    const file = join(path, 'cur', `${1_600_000_000 + index}.M0P1.example:2,`)
    await writeFile(file, message.toString('latin1').replaceAll('\r\n', '\n'), { encoding: 'latin1', mode: 0o600 })
    await chown(file, alice, alice)
  }
  return messages
}
