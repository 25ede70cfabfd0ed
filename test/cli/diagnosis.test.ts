import { describe, expect, it } from 'vitest'
import { send, stall, type Action } from '../support/fake-actions.js'
import { openScene, type SceneOptions } from './scene.js'
import { identity } from '../net/certificates.js'
import { X509Certificate } from 'node:crypto'

/** No name server is asked: this is what one would say. */
const nameless = `import dns from 'node:dns'
  dns.lookup = (name, options, done) => done(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }))`

const say = (text: string) => (): Action => send(`${text}\r\n`)
const greets = (text: string): SceneOptions => ({ hooks: { greeting: say(text) } })
const refuses = (text: string, source: object = {}): SceneOptions => ({ source, hooks: { AUTH: say(text) } })
const pin = (name: 'expired' | 'self-signed'): string =>
  'if the server’s admin confirms the fingerprint, write `tlsOptions: { fingerprint256: ' +
  `"${new X509Certificate(identity(name).cert).fingerprint256}" }\``

const today = new Date().toISOString().slice(0, 10)
const usual = 'check `port` and `tls`: POP3 is usually on 995 with `implicit`, on 110 with `starttls`'

interface Row {
  readonly name: string
  readonly options: SceneOptions
  readonly code: 3 | 75
  /** What happened, and where; `HOST` is the server's. */
  readonly happened: string
  readonly advice: string
  /** Until the greeting, for servers that do not greet. */
  readonly connect?: string
  readonly nodeArguments?: readonly string[]
}

const rows: readonly Row[] = [
  {
    name: 'a plain port where TLS was asked for',
    options: { source: { tls: 'implicit' } },
    code: 3,
    happened: 'the server does not speak TLS from the first byte on this port (HOST, TLS handshake)',
    advice:
      'POP3 with `tls: implicit` is usually on port 995; a port that begins in plain text, usually 110, wants `tls: starttls`',
  },
  {
    name: 'a TLS port where plain text was asked for',
    options: { tls: 'implicit', source: { tls: 'starttls' } },
    // The last tenth of it must be enough for one answer.
    connect: '6s',
    code: 3,
    happened: 'this port seems to expect TLS from the first byte (HOST, greeting)',
    advice: 'write `tls: implicit`: POP3 with it is usually on port 995',
  },
  {
    name: 'IMAP',
    options: greets('* OK IMAP4rev1 ready'),
    code: 3,
    happened: 'this is an IMAP server, not a POP3 server (HOST, greeting): "* OK IMAP4rev1 ready"',
    advice: usual,
  },
  {
    name: 'SMTP',
    options: greets('220 mx.old.example ESMTP'),
    code: 3,
    happened: 'this is an SMTP or FTP server, not a POP3 server (HOST, greeting): "220 mx.old.example ESMTP"',
    advice: usual,
  },
  {
    name: 'a web server',
    options: greets('HTTP/1.1 400 Bad Request'),
    code: 3,
    happened: 'this is a web server, not a POP3 server (HOST, greeting): "HTTP/1.1 400 Bad Request"',
    advice: usual,
  },
  {
    name: 'an expired certificate, or a wrong clock',
    options: { tls: 'implicit', certificate: 'expired' },
    code: 3,
    happened: `the certificate expired on 2020-02-01, and this machine’s clock says ${today} (HOST, TLS handshake)`,
    advice: `no password was sent; check the clock, or have the server’s certificate renewed; ${pin('expired')}`,
  },
  {
    name: 'a self-signed certificate',
    options: { tls: 'starttls', certificate: 'self-signed' },
    code: 3,
    happened: 'the certificate is self-signed (for localhost, 127.0.0.1) (HOST, TLS handshake)',
    advice: `no password was sent; ${pin('self-signed')}`,
  },
  {
    name: 'a certificate for another name',
    options: { tls: 'implicit', certificate: 'wrong-name' },
    code: 3,
    happened: 'the certificate is for mail.other.example, not 127.0.0.1 (HOST, TLS handshake)',
    advice:
      'no password was sent; if the server’s admin confirms the name, write `tlsOptions: { servername: ' +
      'mail.other.example }`; else a proxy, a captive portal or an attacker answers in its place',
  },
  {
    name: 'silence',
    options: { hooks: { greeting: () => stall } },
    code: 75,
    connect: '1s',
    happened: 'no answer within 1 s (HOST, greeting)',
    advice: 'this may be no POP3 port: check `port` and `tls`; or the server is overloaded: run again later',
  },
  {
    name: 'a misspelt host',
    options: { source: { host: 'pop.gmial.example', port: 995, tls: 'implicit' } },
    nodeArguments: ['--import', `data:text/javascript,${encodeURIComponent(nameless)}`],
    code: 3,
    happened: 'no such host name (pop.gmial.example:995, connect)',
    advice: 'check `host` for a typing error, and the DNS',
  },
  {
    name: 'an app password is needed',
    options: refuses('-ERR [AUTH] Application-specific password required'),
    code: 3,
    happened:
      'the server refuses user or password (HOST, sign-in): "-ERR [AUTH] Application-specific password required"',
    advice: 'make an app password (or authorization code) in the webmail’s security settings and use that',
  },
  {
    name: 'POP is switched off',
    options: refuses('-ERR [SYS/PERM] Your account is not enabled for POP access.', { provider: 'gmail' }),
    code: 3,
    happened:
      'the server refuses user or password (HOST, sign-in): "-ERR [SYS/PERM] Your account is not enabled for POP access."',
    advice: 'POP must be switched on in the settings of Gmail (Forwarding and POP/IMAP)',
  },
  {
    name: 'the account is locked',
    options: refuses('-ERR [AUTH] account locked'),
    code: 3,
    happened: 'the server refuses user or password (HOST, sign-in): "-ERR [AUTH] account locked"',
    advice:
      'the account itself is locked or disabled, no password will help: unlock it in the webmail, or ask the mail ' +
      'server’s admin',
  },
]

describe.concurrent('what an admin reads: one line that says what, where, and what to do', () => {
  it.each(rows)('$name', async ({ options, code, happened, advice, connect = '30s', nodeArguments = [] }) => {
    await using scene = await openScene(options)
    const source = { ...scene.server.source(), ...options.source }
    const accounts = [{ name: 'alice', source, targets: [{ type: 'maildir', path: 'a' }] }]
    await scene.plan({ accounts, retry: { attempts: 1 }, timeouts: { connect } })
    const { stderr, ...run } = await scene.run(['run', '--quiet'], { nodeArguments })
    const host = `${scene.server.host}:${scene.server.port}`
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`alice: ${happened.replace('HOST', host)} — ${advice}`)
    expect(run.code).toBe(code)
  })
})
