import { describe, expect, test } from 'vitest'
import type { Replies } from '../pop3/script-server.js'
import { fetch, maildrop, never, signedIn, sourceAt, stuffed, TextIntake } from './maildrop.js'

const bodies = ['one\r\n', '.two\r\n..\r\n', '', 'four\r\n\r\n\r\n', '\0\xff\r\n+OK\r\n-ERR\r\n']
const all = bodies.map((body, index) => `id${index + 1}: ${body}`)

/** The replies with that for one RETR replaced. */
function but(number: number, reply: Replies[string], from = maildrop(bodies)): Replies {
  return { ...from, [`RETR ${number}`]: reply }
}

/** One byte a segment. */
const spelled: Replies[string] = async (line, peer) => {
  const body = bodies[Number(line.slice(5)) - 1] ?? ''
  await peer.send(...Array.from(`+OK\r\n${stuffed(body)}.\r\n`))
}

describe.each(['off', 'on'])('RETR, pipelining %s', (pipelining) => {
  test('RET-01, RET-08, RET-10, RET-19, RET-27 every message byte for byte, once, then QUIT', async () => {
    await using rig = await signedIn(maildrop(bodies), { pipelining })
    expect(await fetch(rig.session)).toMatchObject({ results: all, error: undefined })
    await rig.session.quit()
    const lines = rig.server.lines().filter((line) => /RETR|QUIT/.test(line))
    expect(lines).toEqual(['RETR 1', 'RETR 2', 'RETR 3', 'RETR 4', 'RETR 5', 'QUIT'])
  })

  test('CON-13 one byte a segment', async () => {
    await using rig = await signedIn({ ...maildrop(bodies), RETR: spelled }, { pipelining })
    expect((await fetch(rig.session)).results).toEqual(all)
  })

  test.each(['+OK', '+OK -1 octets', '+OK 99999999999999999999', '+ok\t'])('RET-26 %s', async (reply) => {
    await using rig = await signedIn(but(1, `${reply}\r\none\r\n.\r\n`), { pipelining })
    expect((await fetch(rig.session)).results).toEqual(all)
  })

  test('RET-15 one refusal fails one message', async () => {
    await using rig = await signedIn(but(2, "-ERR it's gone!\r\n"), { pipelining })
    expect((await fetch(rig.session)).results).toEqual([all[0], 'id2! retr-refused', ...all.slice(2)])
  })

  test.each([
    ['-ERR [SYS/TEMP] not now\r\n', ['id1: one\r\n']],
    ['-ERR Download was rate limited. Try again in 60 seconds\r\n', ['id1: one\r\n']],
    ['-ERR no\r\n', ['id1: one\r\n', 'id2! retr-refused', 'id3! retr-refused', 'id4! retr-refused']],
  ])('RET-16 %j from message 2 on ends the session', async (refusal, results) => {
    const RETR: Replies[string] = (line, peer) => peer.send(line === 'RETR 1' ? '+OK\r\none\r\n.\r\n' : refusal)
    await using rig = await signedIn({ ...maildrop(bodies), RETR }, { pipelining })
    expect(await fetch(rig.session)).toMatchObject({ results, error: { code: 'throttled', transient: true } })
  })

  test('RET-17, SES-06 an entry that was asked for, or is not listed, is not asked for', async () => {
    await using rig = await signedIn(maildrop(bodies), { pipelining })
    const { entries } = await rig.session.list()
    const [first] = entries
    if (!first) throw new Error('no entry')
    const foreign = { ...first, key: 'other' as typeof first.key }
    const { results } = await fetch(rig.session, [first, first, foreign])
    expect(results).toEqual(['id1: one\r\n', 'id1! retr-refused', 'other! retr-refused'])
    expect(rig.server.lines().filter((line) => line.startsWith('RETR'))).toEqual(['RETR 1'])
  })

  test.each<[string, Replies[string], string]>([
    [
      'RET-13 cut by FIN',
      async (_l, peer) => {
        await peer.send('+OK\r\n.part')
        peer.end()
      },
      'connection-lost',
    ],
    [
      'RET-13 cut by RST',
      async (_l, peer) => {
        await peer.send('+OK\r\n.part')
        peer.reset()
      },
      'connection-lost',
    ],
    [
      'cut before the reply',
      (_l, peer) => {
        peer.end()
      },
      'connection-lost',
    ],
    ['CON-10, RET-06 no terminator', '+OK\r\n.two.\r\n', 'timeout'],
    ['RET-07 half a terminator', '+OK\r\n.two\r\n.\r', 'timeout'],
    ['RET-20 -ERR in the middle', '+OK\r\n.two\r\n-ERR gone\r\n', 'timeout'],
    ['neither +OK nor -ERR', 'hm\r\n', 'protocol'],
  ])('%s: nothing of it is yielded', async (name, reply, lockStepCode) => {
    // With more replies behind it, what follows is what shows that the end is missing.
    const code = pipelining === 'on' && lockStepCode === 'timeout' ? 'protocol' : lockStepCode
    const { server } = await signedIn(but(2, reply))
    const { source } = sourceAt(
      server.port,
      { pipelining },
      { timeouts: { connect: 5000, reply: 5000, stall: 40, settle: 0 } },
    )
    await using session = await source.connect(never)
    const { results, intake, error } = await fetch(session)
    expect(error).toMatchObject({ code, facts: { phase: 'RETR 2', server: `127.0.0.1:${server.port}` } })
    expect(results).toEqual(['id1: one\r\n'])
    expect(intake.finished).toEqual(['one\r\n'])
    expect(intake.discarded).toBe(lockStepCode === 'protocol' || name === 'cut before the reply' ? 0 : 1)
    await session.quit()
    expect(server.lines(2)).not.toContain('QUIT')
    await server[Symbol.asyncDispose]()
  })

  test('RET-03 a server that does not stuff is flagged', async () => {
    const from = maildrop(['a\r\n.foo\r\n'])
    await using rig = await signedIn(but(1, '+OK\r\na\r\n.foo\r\n.\r\n', from), { pipelining })
    expect((await fetch(rig.session)).results).toEqual(['id1: a\r\n.foo\r\n +unstuffed-dot'])
  })

  test('RET-04 replies forged by a message are never believed', async () => {
    const forged = 'a\r\n.\r\n+OK 0 octets\r\nForged: yes\r\n.\r\n'
    for (const size of [forged.length, 0]) {
      const LIST = `+OK\r\n1 ${size}\r\n2 6\r\n.\r\n`
      const replies = { ...but(1, `+OK\r\n${forged}.\r\n`, maildrop([forged, 'two\r\n'])), LIST }
      await using rig = await signedIn(replies, { pipelining })
      const { results, error } = await fetch(rig.session)
      expect(results).toEqual([])
      expect(error).toMatchObject({ code: 'protocol' })
    }
  })

  test('RET-28 a slow intake is waited for', async () => {
    await using rig = await signedIn(maildrop(bodies), { pipelining })
    const { entries } = await rig.session.list()
    const wanted = [...entries]
    const intake = new TextIntake()
    let writing = 0
    const slow = {
      begin: (entry: (typeof entries)[number]) => {
        const incoming = intake.begin(entry)
        return {
          ...incoming,
          write: async (bytes: Uint8Array) => {
            expect(++writing).toBe(1)
            await new Promise(setImmediate)
            await incoming.write(bytes)
            writing--
          },
        }
      },
    }
    for await (const result of rig.session.retrieve({ take: () => wanted.shift(), more: async () => false }, slow)) {
      expect(writing).toBe(0)
      expect(result).toHaveProperty('message')
    }
    expect(intake.finished).toEqual(bodies)
  })

  test('work that comes later', async () => {
    await using rig = await signedIn(maildrop(bodies), { pipelining })
    const { entries } = await rig.session.list()
    const late = [...entries]
    const ready = late.splice(0, 1)
    const wanted = {
      take: () => ready.shift(),
      more: async () => {
        await new Promise(setImmediate)
        ready.push(...late.splice(0, 2))
        return ready.length > 0
      },
    }
    const intake = new TextIntake()
    let count = 0
    for await (const result of rig.session.retrieve(wanted, intake)) {
      expect(result.entry).toBe(entries[count++])
    }
    expect(intake.finished).toEqual(bodies)
  })
})

describe('lock-step', () => {
  test('RET-04 a reply forged by a message is not believed, however late the rest of it comes', async () => {
    const forged = 'a\r\n.\r\n+OK 0 octets\r\nSubject: FORGED\r\n\r\nbody\r\n'
    const honest = maildrop([forged, 'two\r\n', 'three\r\n'])
    const RETR: Replies[string] = async (line, peer) => {
      if (line !== 'RETR 1') return peer.send(`+OK\r\n${line === 'RETR 2' ? 'two' : 'three'}\r\n.\r\n`)
      await peer.send('+OK\r\na\r\n.\r\n')
      // In a segment of its own, behind what looks like the end.
      await peer.line()
      await peer.send(`${forged.slice('a\r\n.\r\n'.length)}.\r\n`)
    }
    await using rig = await signedIn({ ...honest, RETR })
    const { results, error } = await fetch(rig.session)
    expect(results).toEqual([])
    expect(error).toMatchObject({ code: 'protocol' })
  })

  test('RET-12 a message that does not end is given up', async () => {
    const piece = `${'x'.repeat(1_000_000)}\r\n`
    const RETR: Replies[string] = async (_line, peer) => {
      await peer.send('+OK\r\n')
      while (!peer.closed) await peer.send(piece)
    }
    await using rig = await signedIn({ ...maildrop(bodies), RETR })
    const incoming = {
      write: () => undefined,
      finish: () => Promise.reject(new Error('finished')),
      discard: async () => undefined,
    }
    const wanted = [...(await rig.session.list()).entries]
    const results = rig.session.retrieve(
      { take: () => wanted.shift(), more: async () => false },
      { begin: () => incoming },
    )
    await expect(results[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'protocol' })
  })

  test('RET-14 a short message is yielded and flagged', async () => {
    await using rig = await signedIn(but(4, '+OK 9 octets\r\nfour\r\n.\r\n'))
    expect((await fetch(rig.session)).results[3]).toBe('id4: four\r\n +size-mismatch')
  })

  test('LST-14 a final CRLF more or less is no mismatch', async () => {
    const LIST = '+OK\r\n1 7\r\n2 1\r\n3 0\r\n4 6\r\n5 17\r\n.\r\n'
    await using rig = await signedIn({ ...maildrop(bodies), LIST })
    expect((await fetch(rig.session)).results).toEqual(all)
  })

  test('RET-05 an LF-only server', async () => {
    await using rig = await signedIn(but(1, '+OK\n..one\nx\n.\n'))
    expect((await fetch(rig.session)).results[0]).toBe('id1: .one\nx\n')
  })
})

describe('pipelining', () => {
  const many = Array.from({ length: 800 }, (_, index) => `message ${index}\r\n`)

  test('RET-21 at most 1 KiB of commands at once, refilled in one piece; more only once that was answered', async () => {
    await using rig = await signedIn(maildrop(many), { pipelining: 'on' })
    expect((await fetch(rig.session)).results).toHaveLength(800)
    const glued = rig.server.peers[0]?.segments.filter((segment) => segment.startsWith('RETR')) ?? []
    expect(glued[0]?.length).toBeGreaterThan(1000)
    expect(glued[0]?.length).toBeLessThanOrEqual(1024)
    expect(Math.max(...glued.map((segment) => segment.length))).toBeLessThanOrEqual(4096)
    expect(glued.length).toBeLessThan(12)
  })

  test.each<[string, Replies]>([
    ['RET-14 a short message', but(4, '+OK\r\nfour\r\n.\r\n')],
    [
      'cut',
      but(4, (_line, peer) => {
        peer.end()
      }),
    ],
    ['RET-21 input lost while sending', but(4, () => undefined)],
    ['silence in the listing', { ...maildrop(bodies), LIST: () => undefined }],
  ])('%s: goes on in lock-step for the rest of the run', async (_name, replies) => {
    await using rig = await signedIn(replies)
    const timeouts = { connect: 5000, reply: 60, stall: 60, settle: 0 }
    const { source } = sourceAt(rig.server.port, { pipelining: 'on' }, { timeouts })
    for (const pipelined of [true, false]) {
      await using session = await source.connect(never)
      const peer = rig.server.peers.at(-1)
      const outcome = await session.list().then(
        async ({ entries }) => (await fetch(session, entries)).error,
        (error: unknown) => error,
      )
      if (pipelined) expect(outcome).toHaveProperty('scope', 'session')
      expect(peer?.segments.some((segment) => segment.includes('LIST\r\nUIDL'))).toBe(pipelined)
    }
  })

  test('an unanswered RETR is not committed: no QUIT', async () => {
    await using rig = await signedIn(maildrop(many), { pipelining: 'on' })
    const wanted = [...(await rig.session.list()).entries]
    const results = rig.session.retrieve({ take: () => wanted.shift(), more: async () => false }, new TextIntake())
    await results[Symbol.asyncIterator]().next()
    await rig.session.quit()
    expect(rig.server.lines()).not.toContain('QUIT')
  })
})
