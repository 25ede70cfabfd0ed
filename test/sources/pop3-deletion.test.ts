import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/ports/source.js'
import type { Replies } from '../pop3/script-server.js'
import { fetch, maildrop, signedIn } from './maildrop.js'

const bodies = ['one\r\n', 'two\r\n', 'three\r\n']

/** Deletes all that a fresh listing shows: `key` or `key! fault-code`, sorted. */
async function deleteAll(session: Session): Promise<readonly string[]> {
  const { entries } = await session.list()
  const results: string[] = []
  for await (const { entry, fault } of session.delete(entries)) {
    results.push(fault ? `${entry.key}! ${fault.code}` : entry.key)
  }
  return results.toSorted()
}

const deleting = (more: Replies = {}): Replies => ({ ...maildrop(bodies), DELE: '+OK\r\n', QUIT: '+OK\r\n', ...more })

describe('delete', () => {
  it('DEL-07 asks for each id once more, in the same session, before its DELE', async () => {
    await using rig = await signedIn(deleting())
    expect(await deleteAll(rig.session)).toEqual(['id1', 'id2', 'id3'])
    expect(await rig.session.quit()).toBe(true)
    const [peer] = rig.server.peers
    expect(peer?.lines.filter((line) => /^(?:UIDL|DELE|QUIT)/.test(line))).toEqual(
      ['UIDL', 'UIDL 1', 'DELE 1', 'UIDL 2', 'DELE 2', 'UIDL 3', 'DELE 3', 'QUIT'], // prettier-ignore
    )
  })

  it('pipelines: the ids of a group in one piece, then its DELEs', async () => {
    await using rig = await signedIn({ ...deleting(), ...maildrop(bodies, 'UIDL\r\nPIPELINING\r\n') })
    expect(await deleteAll(rig.session)).toEqual(['id1', 'id2', 'id3'])
    const [peer] = rig.server.peers
    expect(peer?.lines.slice(-6)).toEqual(['UIDL 1', 'UIDL 2', 'UIDL 3', 'DELE 1', 'DELE 2', 'DELE 3'])
  })

  it('after a RETR of the same session', async () => {
    await using rig = await signedIn(deleting())
    const { entries } = await rig.session.list()
    await fetch(rig.session, entries)
    const deleted: string[] = []
    for await (const { entry, fault } of rig.session.delete(entries)) if (!fault) deleted.push(entry.key)
    expect(deleted).toEqual(['id1', 'id2', 'id3'])
  })

  it.each<[string, string]>([
    ['another id', '+OK 2 id9\r\n'],
    ['an id that only begins like it', '+OK 2 id22\r\n'],
    ['another number', '+OK 3 id2\r\n'],
    ['nothing', '+OK\r\n'],
    ['a refusal', '-ERR no such message\r\n'],
  ])('DEL-07 leaves a message whose number stands for %s by now', async (_, reply) => {
    const { UIDL } = maildrop(bodies)
    await using rig = await signedIn(
      deleting({
        UIDL: (line, peer) => {
          if (line === 'UIDL 2') return peer.send(reply)
          return typeof UIDL === 'function' ? UIDL(line, peer) : undefined
        },
      }),
    )
    expect(await deleteAll(rig.session)).toEqual(['id1', 'id2! delete-refused', 'id3'])
    expect(rig.server.peers[0]?.lines).not.toContain('DELE 2')
  })

  it('DEL-02 goes on behind a refused DELE', async () => {
    await using rig = await signedIn(
      deleting({ DELE: (line, peer) => peer.send(line === 'DELE 2' ? '-ERR read only\r\n' : '+OK\r\n') }),
    )
    expect(await deleteAll(rig.session)).toEqual(['id1', 'id2! delete-refused', 'id3'])
  })

  it('stops where the server is throttling, and its QUIT is no QUIT', async () => {
    await using rig = await signedIn(deleting({ DELE: '-ERR [SYS/TEMP] too many commands\r\n' }))
    await expect(deleteAll(rig.session)).rejects.toMatchObject({ code: 'throttled' })
    expect(await rig.session.quit()).toBe(false)
    expect(rig.server.peers[0]?.lines).not.toContain('QUIT')
  })
})
