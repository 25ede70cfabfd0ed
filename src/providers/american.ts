import type { Provider } from './provider.js'
import { ispdb, lookedUp } from './source.js'

/** North America and Australia. */
export const american: readonly Provider[] = [
  {
    id: 'comcast',
    name: 'Comcast (Xfinity)',
    domains: ['comcast.net'],
    pop3: { host: 'mail.comcast.net', tls: 'implicit' },
    imap: { host: 'imap.comcast.net', tls: 'implicit' },
    user: 'address',
    accepts: 'Comcast accepts the password or `oauth2`',
    switchOn: 'access by third-party mail programs must be allowed in the settings of Xfinity',
    source: ispdb('comcast.net'),
    checked: lookedUp,
  },
  {
    id: 'att',
    name: 'AT&T',
    domains: ['att.net', 'sbcglobal.net'],
    pop3: { host: 'inbound.att.net', tls: 'implicit' },
    imap: { host: 'imap.mail.att.net', tls: 'implicit' },
    user: 'address',
    accepts: 'AT&T accepts only a "secure mail key" or `oauth2`',
    source: ispdb('att.net'),
    checked: lookedUp,
  },
  {
    id: 'telstra',
    name: 'Telstra (BigPond)',
    domains: [],
    pop3: { host: 'pop.telstra.com', tls: 'implicit' },
    imap: { host: 'imap.telstra.com', tls: 'implicit' },
    user: 'address',
    source: ispdb('telstra.com'),
    checked: lookedUp,
  },
  {
    id: 'godaddy',
    name: 'GoDaddy Workspace Email',
    domains: [],
    pop3: { host: 'pop.secureserver.net', tls: 'implicit' },
    imap: { host: 'imap.secureserver.net', tls: 'implicit' },
    user: 'address',
    note: 'GoDaddy has several mail products: look at the MX record of your domain first',
    source: ispdb('secureserver.net'),
    checked: lookedUp,
  },
]
