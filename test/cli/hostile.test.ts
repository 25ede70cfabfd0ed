import { describe, expect, it } from 'vitest'
import { rewrite, send } from '../support/fake-actions.js'
import type { Hooks } from '../support/fake-pop3-server.js'
import type { FakeImapOptions } from '../support/fake-imap-server.js'
import { openImapScene } from './imap-scene.js'
import { openScene, rawControl } from './scene.js'

/** ESC, BEL, BS, NUL, a lone CR, C1, Latin-1 in one; bidi and invisible characters in UTF-8 in the other. */
const texts = [
  Buffer.from('\u001b]0;pwned\u0007\u001b[2J\b\0\r\u009b2J\u00b5\u00c7', 'latin1'),
  Buffer.from('\u001b[2J pwned \u202e\u2066\u200b\ufeff\u2028'),
] as const

function line(start: string, text: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(start), text, Buffer.from('\r\n')])
}

/** The second id becomes this. */
function withId(text: Uint8Array) {
  return rewrite((reply) => {
    const at = reply.indexOf('u2')
    return Buffer.concat([reply.subarray(0, at), text, reply.subarray(at + 2)])
  })
}

function refusedMessage(text: Uint8Array): Hooks {
  return { RETR: () => send(line('-ERR ', text)) }
}

const cases: [string, (text: Uint8Array) => Hooks][] = [
  ['a greeting', (text) => ({ greeting: () => send(line('+OK ', text)) })],
  ['a refusing greeting', (text) => ({ greeting: () => send(line('-ERR ', text)) })],
  ['another protocol', (text) => ({ greeting: () => send(line('* OK ', text)) })],
  [
    'a capability',
    (text) => ({ CAPA: () => send(Buffer.concat([line('+OK\r\nUSER\r\nUIDL\r\n', text), Buffer.from('.\r\n')])) }),
  ],
  ['a refused sign-in', (text) => ({ AUTH: () => send(line('-ERR ', text)) })],
  ['a welcome', (text) => ({ AUTH: () => send(line('-ERR [IN-USE] ', text)) })],
  ['a refused listing', (text) => ({ UIDL: () => send(line('-ERR ', text)) })],
  ['a wrong count', (text) => ({ STAT: () => send(line('+OK ', text)) })],
  [
    'an id',
    (text) => ({
      UIDL: () => withId(text),
      RETR: ({ argument }) => (argument === '2' ? send('-ERR no\r\n') : undefined),
    }),
  ],
  ['a refused message', refusedMessage],
  ['a goodbye', (text) => ({ QUIT: () => send(line('-ERR ', text)) })],
]

describe.concurrent('CON-06 hostile text', () => {
  const programs = ['run', '--json', '-vv']
  const rows = [
    ...cases.map(([name, hooks], index) => ({ name, args: programs, hooks: hooks(texts[index % 2 === 0 ? 0 : 1]) })),
    ...texts.map((text) => ({ name: 'a refused message', args: ['run', '-vv'], hooks: refusedMessage(text) })),
  ]

  it.each(rows)('$name, $args: no raw control character on stdout and stderr', async ({ args, hooks }) => {
    await using scene = await openScene({ hooks })
    const { code, stdout, stderr } = await scene.run(args)
    expect(stdout).not.toMatch(rawControl)
    expect(stderr).not.toMatch(rawControl)
    expect(stderr).toContain('\\x1b')
    expect([0, 3, 75]).toContain(code)
    if (args.includes('--json')) {
      const last = stdout.trimEnd().split('\n').at(-1) ?? ''
      expect(JSON.parse(last)).toMatchObject({ type: 'run.finished', exitCode: code })
    }
  })
})

describe.concurrent('CON-06 hostile text of an IMAP server', () => {
  const text = '\u001b]0;pwned\u0007\u001b[2J\b\u009b2J \u202e\u2066\u200b\ufeff\u2028'
  const refused = { reply: `TAG NO ${text}\r\n` }
  it.each<[string, FakeImapOptions]>([
    ['a greeting', { greeting: `* BYE ${text}\r\n` }],
    ['another protocol', { greeting: `220 ${text}\r\n` }],
    ['a capability', { capabilities: ['IMAP4rev1', 'AUTH=PLAIN', `X${text}`], hooks: { SELECT: () => refused } }],
    ['a refused sign-in', { hooks: { LOGIN: () => refused } }],
    ['a refused folder', { hooks: { SELECT: () => refused, CREATE: () => refused } }],
    ['a refused message', { hooks: { APPEND: () => refused } }],
  ])('%s: no raw control character on stdout and stderr', async (_, imap) => {
    await using scene = await openImapScene({ imap })
    for (const args of [
      ['run', '-vv'],
      ['run', '--json'],
    ]) {
      const { code, stdout, stderr } = await scene.run(args)
      expect(stdout).not.toMatch(rawControl)
      expect(stderr).not.toMatch(rawControl)
      expect(stdout + stderr).toContain('x1b')
      expect([3, 75]).toContain(code)
    }
  })
})
