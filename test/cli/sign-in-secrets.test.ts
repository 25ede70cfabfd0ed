import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { capa, type Peer, script, ScriptServer } from '../pop3/script-server.js'
import { runPopferry, tempFolder, writePlan } from '../support/rig.js'

const password = 'Kanarie "9%/+ö~'
const token = `ya29.Kanarie-${'t0ken'.repeat(20)}`
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Every form in which a secret could leak. */
function formsOf(secret: string): readonly string[] {
  return [
    secret,
    base64(secret).replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    // Inside of a longer message in base64.
    ...[1, 2].map((offset) => base64('x'.repeat(offset) + secret).slice(4, -4)),
  ]
}

/** Asks for as much as a mechanism has to say, and says it all again, in the clear and encoded. */
function echo(name: string, challenges: readonly string[], secret: string) {
  const forms = [...formsOf(secret).slice(0, 5), base64(`x${secret}`), base64(`xx${secret}`)]
  return async (line: string, peer: Peer): Promise<void> => {
    const heard = [line]
    for (const challenge of challenges) {
      const nonce = /r=(.*)$/.exec(Buffer.from(heard.at(-1)?.split(' ').at(-1) ?? '', 'base64').toString())?.[1]
      await peer.send(`+ ${base64(challenge.replace('NONCE', nonce ?? ''))}\r\n`)
      heard.push((await peer.line()) ?? '')
    }
    const words = heard.flatMap((text) => text.split(' '))
    const decoded = words.map((word) =>
      Buffer.from(word, 'base64')
        .toString('latin1')
        .replaceAll(/[\r\n]/g, ' '),
    )
    await peer.send(`-ERR [AUTH] ${name}: ${words.join(' ')} ${decoded.join(' ')} ${forms.join(' ')}\r\n`)
  }
}

const scram = `r=NONCEx,s=${base64('salt')},i=4096`
const oauth2 = { oauth2: { accessToken: { env: 'TOKEN' } } }
const refusal = `{"status":"403","scope":"${token} and ${base64(token)}"}`

describe('SEC-01, SEC-02 a server that echoes all it hears', () => {
  it.each<[string, readonly string[], object]>([
    ['user', [], {}],
    ['apop', [], {}],
    ['plain', [], {}],
    ['login', ['Username:', 'Password:'], {}],
    ['cram-md5', ['<1.2@host>'], {}],
    ['scram-sha-1', [scram], {}],
    ['scram-sha-256', [scram, 'e=invalid-proof'], {}],
    ['xoauth2', ['', refusal], oauth2],
    ['oauthbearer', ['', refusal], oauth2],
  ])('%s: no secret in the output at -vv, nor in the state', async (auth, challenges, settings) => {
    const secret = 'oauth2' in settings ? token : password
    const forms = formsOf(secret)
    const reply = echo(auth, challenges, secret)
    await using server = await ScriptServer.start(
      script({ CAPA: capa(`SASL ${auth.toUpperCase()}`), AUTH: reply, PASS: reply, APOP: reply }),
    )
    await using folder = await tempFolder()
    const source = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'bob', auth }
    await writePlan(folder, {
      accounts: [
        {
          name: 'bob',
          source: { ...source, ...('oauth2' in settings ? settings : { password: { env: 'BOB' } }) },
          targets: [{ type: 'maildir', path: 'mail' }],
        },
      ],
    })
    for (const more of [['-vv'], ['--json', '-vv']]) {
      const env = { BOB: password, TOKEN: token }
      const { code, stdout, stderr } = await runPopferry(['run', ...more], { cwd: folder.path, env })
      expect(code).toBe(3)
      const output = stdout + stderr
      expect(output).toContain('***')
      expect(output).toMatch(/AUTH|APOP|PASS/)
      expect(forms.filter((form) => output.includes(form))).toEqual([])
      // What was made of the password would let one guess it.
      const responses =
        server.peers
          .at(-1)
          ?.lines.slice(1)
          .flatMap((line) => line.split(' ').slice(-1)) ?? []
      for (const response of responses.filter((text) => text.length > 20)) expect(output).not.toContain(response)
    }
    const state = folder.at('migrate.state')
    for (const name of await readdir(state, { recursive: true })) {
      const bytes = await readFile(join(state, name)).catch(() => Buffer.alloc(0))
      expect(forms.filter((form) => bytes.includes(form))).toEqual([])
    }
  })
})
