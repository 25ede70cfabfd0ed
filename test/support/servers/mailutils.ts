import { unpackedPackages } from '../debian-packages.js'
import { readByPlainPop3 } from '../readers.js'
import type { ServerKind } from './live-server.js'
import { startMboxServer } from './mbox-servers.js'
import { certificate, noPrivateView } from './private-view.js'
import { inetd } from './server-process.js'

/**
 * GNU Mailutils. It takes the quoting off `From ` lines. The ids come from its first session, which also writes them into
 * the mbox; from then on it serves its notes about a message as lines of the header, which LIST does not count all.
 */
export const mailutils: ServerKind = {
  name: 'GNU Mailutils pop3d',
  stls: true,
  find: async () =>
    noPrivateView === undefined
      ? unpackedPackages({ name: 'mailutils', packages: ['mailutils-pop3d'] })
      : { missing: noPrivateView },
  start: async (root) => {
    const server = await startMboxServer({
      root,
      etc: { 'mailutils.conf': configuration, 'pop3d.pem': certificate.cert, 'pop3d.key': certificate.key },
      before: 'install -d -m 700 /run/pop3d && install -m 600 /etc/pop3d.key /run/pop3d/key',
      command: [...inetd, '/usr/sbin/pop3d', '--no-site-config', '--config-file=/etc/mailutils.conf'],
    })
    return {
      ...server,
      fill: async (messages) => {
        const taken = await server.fill(messages.filter(hasText))
        await readByPlainPop3(server.port)
        return taken
      },
    }
  },
}

/** For a header without an end takes the next message for its text. */
function hasText(message: Buffer): boolean {
  return /^\r?\n|\n\r?\n/.test(message.toString('latin1'))
}

/** It refuses a key that others may read, or whose folder others may write to. */
const configuration = `
mode inetd;
logging { syslog no; };
auth { authentication "generic:system"; authorization "system"; };
mailbox { mail-spool "/var/mail"; };
tls-mode ondemand;
tls { ssl-certificate-file /etc/pop3d.pem; ssl-key-file /run/pop3d/key; };
`
