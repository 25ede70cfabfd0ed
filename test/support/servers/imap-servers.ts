import { execFile } from 'node:child_process'
import { chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unpackedPackages, type Unpacked } from '../debian-packages.js'
import { freePorts } from '../free-ports.js'
import { authdaemon, environment, startAuthdaemon } from './courier.js'
import { asCyrus, before, settings } from './cyrus.js'
import { alice, certificate, noPrivateView, pam, PrivateView } from './private-view.js'
import { answering, inetd } from './server-process.js'

/** A kind of IMAP server that the tests know how to get and to start, with the user alice, whose password is `secret`. */
export interface ImapServerKind {
  readonly name: string
  /** Where its packages are, or why it cannot be had. */
  find(): Promise<Unpacked>
  start(root: string): Promise<AsyncDisposable & { readonly port: number }>
}

/** Takes no NUL and no bare line feed. */
const cyrus: ImapServerKind = {
  name: 'cyrus',
  find: async () => packages('cyrus-imap', ['cyrus-imapd', 'sasl2-bin']),
  start: async (root) => {
    const [port = 0] = await freePorts(1)
    return started(port, {
      root,
      etc: {
        'imapd.conf': settings,
        'cyrus.conf': services(port),
        'cyrus.pem': certificate.cert,
        'cyrus.key': certificate.key,
      },
      servants: ['cyrus'],
      before,
      command: [...asCyrus, '/usr/lib/cyrus/bin/master', '-D', '-p', '/var/lib/cyrus/master.pid'],
    })
  },
}

/** Adds a final line end; folders stand below `INBOX.`. */
const courier: ImapServerKind = {
  name: 'courier',
  find: async () => packages('courier-imap', ['courier-imap'], withoutFam),
  start: async (root) =>
    started(undefined, {
      root,
      etc: { 'pam.d/imap': pam, 'courier/authdaemonrc': authdaemon },
      servants: ['courier'],
      before: startAuthdaemon,
      command: [...inetd, '/usr/lib/courier/courier/imaplogin', '/usr/bin/imapd', 'Maildir'],
      environment: {
        ...environment,
        IMAPDSTARTTLS: 'NO',
        IMAP_TLS_REQUIRED: '0',
        IMAP_KEYWORDS: '1',
        IMAP_ENHANCEDIDLE: '0',
        IMAP_USELOCKS: '1',
        IMAP_EMPTYTRASH: 'Trash:7',
        IMAP_CAPABILITY: 'IMAP4rev1 UIDPLUS CHILDREN NAMESPACE',
      },
    }),
}

export const imapServers: readonly ImapServerKind[] = [cyrus, courier]

async function packages(
  name: string,
  wanted: readonly string[],
  prepare?: (root: string) => Promise<void>,
): Promise<Unpacked> {
  if (noPrivateView !== undefined) return { missing: noPrivateView }
  return unpackedPackages({ name, packages: wanted, ...(prepare && { prepare }) })
}

async function started(
  known: number | undefined,
  server: Parameters<typeof PrivateView.start>[0],
): Promise<AsyncDisposable & { readonly port: number }> {
  const view = await PrivateView.start(server)
  try {
    const inbox = join(view.home, 'Maildir')
    for (const part of ['.', 'new', 'cur', 'tmp']) {
      await mkdir(join(inbox, part), { recursive: true, mode: 0o700 })
      await chown(join(inbox, part), alice, alice)
    }
    const port = known ?? (await view.process.port())
    await answering(port, view.process)
    return { port, [Symbol.asyncDispose]: async () => view[Symbol.asyncDispose]() }
  } catch (error) {
    await view[Symbol.asyncDispose]()
    throw error
  }
}

function services(port: number): string {
  return `START {
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -r"
}
SERVICES {
  imap cmd="/usr/lib/cyrus/bin/imapd" listen="127.0.0.1:${port}" proto=tcp4
}
EVENTS {
}
`
}

/** Without a file alteration monitor it waits for a second at each append; one that cannot be opened takes no time. */
async function withoutFam(root: string): Promise<void> {
  const libraries = join(root, 'usr', 'lib')
  const [folder = ''] = (await readdir(libraries)).filter((name) => name.endsWith('-linux-gnu'))
  const source = join(libraries, 'fam.c')
  const names = ['Close', 'MonitorDirectory', 'MonitorFile', 'CancelMonitor', 'NextEvent', 'Pending', 'NoExists']
  const stubs = ['Open', 'Open2', ...names].map((name) => `int FAM${name}(void*f){return -1;}`)
  await writeFile(source, `int FAMErrno=1;const char*FamErrlist[2]={"ok","none"};${stubs.join('')}\n`)
  await promisify(execFile)('gcc', ['-shared', '-fPIC', '-o', join(libraries, folder, 'libfam.so.0'), source])
}
