import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { unpackedPackages } from '../debian-packages.js'
import { freePorts } from '../free-ports.js'
import type { ServerKind } from './live-server.js'
import { certificate, noPrivateView, PrivateView } from './private-view.js'
import { answering } from './server-process.js'

/** Cyrus: mail comes by LMTP, which makes every line end a CRLF and takes no NUL. */
export const cyrus: ServerKind = {
  name: 'Cyrus',
  stls: true,
  find: async () =>
    noPrivateView === undefined
      ? unpackedPackages({ name: 'cyrus', packages: ['cyrus-pop3d', 'sasl2-bin'] })
      : { missing: noPrivateView },
  start: async (root) => {
    const [port = 0] = await freePorts(1)
    const view = await PrivateView.start({
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
    try {
      await answering(port, view.process)
      return {
        port,
        fill: async (messages) => deliver(join(view.sockets, 'lmtp'), messages),
        [Symbol.asyncDispose]: async () => view[Symbol.asyncDispose](),
      }
    } catch (error) {
      await view[Symbol.asyncDispose]()
      throw error
    }
  },
}

/** The change of user clears what would kill it with its parent. */
export const asCyrus = ['setpriv', '--pdeathsig', 'KILL', '--reuid', 'cyrus', '--regid', 'cyrus', '--clear-groups']

export const before = `
install -d -o cyrus -g cyrus /run/cyrus
cd /var/lib
install -d -o cyrus -g cyrus cyrus cyrus/spool cyrus/db cyrus/log cyrus/msg cyrus/proc cyrus/ptclient cyrus/socket cyrus/lock
echo secret | saslpasswd2 -p -c -f cyrus/sasldb2 -u localhost alice
chown cyrus cyrus/sasldb2
`

export const settings = `configdirectory: /var/lib/cyrus
proc_path: /var/lib/cyrus/proc
mboxname_lockpath: /var/lib/cyrus/lock
idlesocket: /run/cyrus/idle
notifysocket: /run/cyrus/notify
cyrus_user: cyrus
cyrus_group: cyrus
defaultpartition: default
partition-default: /var/lib/cyrus/spool
servername: localhost
defaultdomain: localhost
allowplaintext: yes
popminpoll: 0
munge8bit: no
duplicatesuppression: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /var/lib/cyrus/sasldb2
sasl_mech_list: PLAIN LOGIN
autocreate_quota: 0
autocreate_post: yes
autocreate_users: anyone
tls_server_cert: /etc/cyrus.pem
tls_server_key: /etc/cyrus.key
`

function services(port: number): string {
  return `START {
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -r"
}
SERVICES {
  pop3 cmd="/usr/lib/cyrus/bin/pop3d" listen="127.0.0.1:${port}" proto=tcp4
  lmtp cmd="/usr/lib/cyrus/bin/lmtpd" listen="$FOLDER/run/lmtp"
}
EVENTS {
}
`
}

/** Delivers by LMTP (RFC 2033); a message that the server refuses is left out. */
async function deliver(path: string, messages: readonly Buffer[]): Promise<readonly Buffer[]> {
  const taken: Buffer[] = []
  const socket = connect(path)
  await once(socket, 'connect')
  const replies = createInterface(socket)[Symbol.asyncIterator]()
  const ask = async (command: string | Buffer): Promise<string> => {
    socket.write(command)
    for (;;) {
      const { value, done } = (await replies.next()) as { readonly value: string; readonly done?: boolean }
      if (done) throw new Error('the server ended the delivery')
      if (/^\d{3}(?: |$)/.test(value)) return value
    }
  }
  await ask('')
  await ask('LHLO localhost\r\n')
  for (const message of messages) {
    await ask('MAIL FROM:<ada@harbour.example>\r\n')
    await ask('RCPT TO:<alice>\r\n')
    await ask('DATA\r\n')
    const text = message.toString('latin1').replaceAll(/(?<=^|\n)\./g, '..')
    const reply = await ask(Buffer.from(`${text}${text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1'))
    if (reply.startsWith('250 ')) taken.push(message)
  }
  socket.destroy()
  return taken
}
