import { describe, expect, test } from 'vitest'
import type { Replies } from '../pop3/script-server.js'
import { maildrop, signedIn } from './maildrop.js'

const three = maildrop(['a\r\n', 'bb\r\n', 'ccc\r\n'])

/** `key size` of every entry, or the code of the fault. */
async function listed(replies: Replies, chosen: Readonly<Record<string, unknown>> = {}): Promise<readonly string[]> {
  await using rig = await signedIn(replies, chosen)
  try {
    const { entries, bytes } = await rig.session.list()
    expect(bytes).toBe(entries.reduce((sum, { size }) => sum + size, 0))
    return entries.map(({ key, size }) => `${key.replace(/^(\n#\d+) [0-9a-f]{16}$/, '$1')} ${size}`)
  } catch (error) {
    expect(error).toMatchObject({ name: 'Fault', facts: { server: `127.0.0.1:${rig.server.port}` } })
    return [`! ${(error as { code: string }).code}`]
  }
}

const uidl = (...lines: string[]): string => `+OK\r\n${lines.map((line) => `${line}\r\n`).join('')}.\r\n`

describe.each(['off', 'on'])('listing, pipelining %s', (pipelining) => {
  test.each<[string, Replies, readonly string[]]>([
    ['an honest one', {}, ['id1 3', 'id2 4', 'id3 5']],
    ['an empty one', { STAT: '+OK 0 0\r\n', LIST: uidl(), UIDL: uidl() }, []],
    ['an empty one that is refused', { STAT: '+OK 0 0\r\n', LIST: '-ERR no mail\r\n', UIDL: '-ERR no mail\r\n' }, []],
    ['bare LF', { UIDL: '+OK\n1 a\n2 b\n3 c\n.\n' }, ['a 3', 'b 4', 'c 5']],
    ['LST-02 UIDL fails although advertised', { UIDL: '-ERR cannot\r\n' }, ['! listing-incomplete']],
    ['LST-01 UIDL unknown', { CAPA: '+OK\r\nTOP\r\n.\r\n', UIDL: '-ERR unknown command\r\n' }, ['! no-uidl']],
    ['LST-01 no CAPA either', { CAPA: '-ERR\r\n', UIDL: '-ERR\r\n' }, ['! no-uidl']],
    ['LST-03 one id for all', { UIDL: uidl('3 A', '1 A', '2 A') }, ['A 3', 'A\n2 4', 'A\n3 5']],
    ['LST-05 odd characters', { UIDL: uidl('1 ../x', '2 a b"\\', '3 \xff\x01') }, ['../x 3', 'a b"\\ 4', '\xff\x01 5']],
    ['LST-06 long ids', { UIDL: uidl(`1 ${'x'.repeat(4095)}`, '2 b', '3 c') }, [`${'x'.repeat(4095)} 3`, 'b 4', 'c 5']],
    ['LST-06 too long an id', { UIDL: uidl(`1 ${'x'.repeat(4097)}`) }, ['! protocol']],
    ['LST-07 empty ids', { UIDL: uidl('1 a', '2 ', '3') }, ['a 3', '\n#2 4', '\n#3 5']],
    ['LST-08 spacing', { UIDL: uidl('1   a', '2\tb ', '3 c \t ') }, ['a 3', 'b 4', 'c 5']],
    ['LST-09 case', { UIDL: uidl('1 aB', '2 Ab', '3 ab') }, ['aB 3', 'Ab 4', 'ab 5']],
    ['LST-10 out of order', { UIDL: uidl('3 c', '1 a', '2 b') }, ['a 3', 'b 4', 'c 5']],
    ['LST-10 a line twice', { UIDL: uidl('1 a', '2 b', '2 b', '3 c') }, ['a 3', 'b 4', 'c 5']],
    ['LST-10 a number with two ids', { UIDL: uidl('1 a', '2 b', '2 x', '3 c') }, ['! listing-incomplete']],
    ['LST-10 numbers beyond STAT', { UIDL: uidl('1 a', '2 b', '9 z') }, ['a 3', 'b 4', 'z 0']],
    ['LST-11 new mail after LIST', { UIDL: uidl('1 a', '2 b', '3 c', '4 d') }, ['a 3', 'b 4', 'c 5', 'd 0']],
    ['LST-12 fewer than STAT counts', { UIDL: uidl('1 a', '2 b') }, ['! listing-incomplete']],
    [
      'LST-12 cut off',
      {
        UIDL: async (_line, peer) => {
          await peer.send('+OK\r\n1 a\r\n2 b\r\n')
          peer.end()
        },
      },
      ['! connection-lost'],
    ],
    ['LST-12, LST-13 UIDL lists less than LIST', { STAT: '+OK 0 0\r\n', UIDL: uidl() }, ['! listing-incomplete']],
    ['LST-13 STAT says 0', { STAT: '+OK 0 0\r\n' }, ['id1 3', 'id2 4', 'id3 5']],
    ['LST-13 STAT is nonsense', { STAT: '+OK -1 many\r\n' }, ['id1 3', 'id2 4', 'id3 5']],
    ['LST-13 STAT has 20 digits', { STAT: '+OK 99999999999999999999 1\r\n' }, ['id1 3', 'id2 4', 'id3 5']],
    [
      'LST-14 odd sizes',
      { LIST: uidl('1 -5', '2 9223372036854775808 x', 'x', '0 7') },
      ['id1 0', `id2 ${Number.MAX_SAFE_INTEGER}`, 'id3 0'],
    ],
    ['LIST refused', { LIST: '-ERR no\r\n' }, ['id1 0', 'id2 0', 'id3 0']],
    ['LST-16 number 1e9', { UIDL: uidl('1e9 a') }, ['! listing-incomplete']],
    ['LST-16 number -1', { UIDL: uidl('-1 a') }, ['! listing-incomplete']],
    ['LST-16 number 0', { UIDL: uidl('0 a') }, ['! listing-incomplete']],
    ['LST-16 number 01', { UIDL: uidl('01 a') }, ['! listing-incomplete']],
    [
      'LST-16 ids of every object',
      { UIDL: uidl('1 __proto__', '2 constructor', '3 __proto__') },
      ['__proto__ 3', 'constructor 4', '__proto__\n2 5'],
    ],
    ['CON-05 a giant line', { UIDL: `+OK\r\n1 ${'x'.repeat(20_000)}` }, ['! protocol']],
    [
      'AUT-14 refused for good',
      { STAT: '-ERR [SYS/PERM] Your account is not enabled for POP access\r\n' },
      ['! auth-failed'],
    ],
    ['AUT-14 refused for now', { STAT: '-ERR login allowed only every 15 minutes\r\n' }, ['! throttled']],
    ['STAT refused', { STAT: '-ERR what?\r\n' }, ['! protocol']],
    ['neither +OK nor -ERR', { LIST: 'hm\r\n' }, ['! protocol']],
  ])('%s', async (_name, replies, entries) => {
    expect(await listed({ ...three, ...replies }, { pipelining })).toEqual(entries)
  })
})

describe('listing', () => {
  test('RET-21 glued in one write only where advertised', async () => {
    for (const [capability, first] of [
      ['', 'STAT\r\n'],
      ['PIPELINING\r\n', 'STAT\r\nLIST\r\nUIDL\r\n'],
    ] as const) {
      await using rig = await signedIn(maildrop(['a\r\n'], `UIDL\r\n${capability}`))
      await rig.session.list()
      expect(rig.server.peers[0]?.segments.find((segment) => segment.startsWith('STAT'))).toBe(first)
    }
  })

  test('RET-22 more than was asked for', async () => {
    expect(await listed({ ...three, STAT: '+OK 3 12\r\n+OK 3 12\r\n' })).toEqual(['! protocol'])
  })

  test('LST-15 a listing without end', async () => {
    const id = 'x'.repeat(4000)
    const flood: Replies[string] = async (_line, peer) => {
      await peer.send('+OK\r\n')
      for (let number = 1; !peer.closed; number++) await peer.send(`${number} ${id}\r\n`.repeat(20))
    }
    await using rig = await signedIn({ ...three, UIDL: flood })
    await expect(rig.session.list()).rejects.toMatchObject({ code: 'listing-too-long' })
  })

  test('LST-15 100,000 messages', async () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `${index + 1} id-${index}`)
    const replies = {
      ...three,
      STAT: '+OK 100000 1\r\n',
      LIST: uidl(...lines.map((line) => line.replace('id-', '1'))),
      UIDL: uidl(...lines),
    }
    await using rig = await signedIn(replies)
    const { entries } = await rig.session.list()
    expect(entries).toHaveLength(100_000)
    expect(entries.at(-1)?.key).toBe('id-99999')
  })
})
