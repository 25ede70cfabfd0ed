import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { stall } from '../support/fake-actions.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { readMaildir, readMboxrd, runPopferry, startPopferry, tempFolder, writePlan } from '../support/rig.js'

describe('readMboxrd', () => {
  it.each([
    ['no message', '', []],
    ['one', 'From a Thu Jan  1 00:00:00 1970\nA: 1\n\nbody\n\n', ['A: 1\n\nbody\n']],
    ['quoted lines', 'From a\nA: 1\n\n>From x\n>>From y\n> From\n\n', ['A: 1\n\nFrom x\n>From y\n> From\n']],
    ['two', 'From a\none\n\nFrom b\ntwo\n\n', ['one\n', 'two\n']],
    ['CRLF', 'From a\r\none\r\n\r\nFrom b\r\ntwo\r\n\r\n', ['one\r\n', 'two\r\n']],
    ['blank lines at the end', 'From a\none\n\n\n\nFrom b\ntwo\n\n', ['one\n\n\n', 'two\n']],
    ['an unquoted From in the text', 'From a\none\nFrom b\ntwo\n\n', ['one\nFrom b\ntwo\n']],
    ['bytes beyond ASCII', 'From a\n\xff\0\n\n', ['\xff\0\n']],
  ])('%s', async (_, file, expected) => {
    await using folder = await tempFolder()
    await writeFile(folder.at('x.mbox'), file, 'latin1')
    const found = await readMboxrd(folder.at('x.mbox'))
    expect(found.map(({ bytes }) => bytes.toString('latin1'))).toEqual(expected)
  })

  it.each([
    ['text before the first message', 'one\n\n'],
    ['an end without a blank line', 'From a\none\n'],
  ])('refuses %s', async (_, file) => {
    await using folder = await tempFolder()
    await writeFile(folder.at('x.mbox'), file, 'latin1')
    await expect(readMboxrd(folder.at('x.mbox'))).rejects.toThrow()
  })
})

describe('readMaildir', () => {
  it('reads new and cur by name, and refuses what is left in tmp', async () => {
    await using folder = await tempFolder()
    for (const part of ['tmp', 'new', 'cur']) await mkdir(folder.at(part))
    await writeFile(folder.at('new', 'b'), 'two')
    await writeFile(folder.at('cur', 'a:2,S'), 'one')
    const found = await readMaildir(folder.path)
    expect(found.map(({ folder: part, name, bytes }) => [part, name, String(bytes)])).toEqual([
      ['cur', 'a:2,S', 'one'],
      ['new', 'b', 'two'],
    ])
    await writeFile(folder.at('tmp', 'c'), '')
    await expect(readMaildir(folder.path)).rejects.toThrow('left in tmp: c')
  })
})

describe('writePlan', () => {
  it('writes an object with quoted strings, for its owner only', async () => {
    await using folder = await tempFolder()
    const path = await writePlan(folder, { accounts: [{ name: 'a', password: '0123 # yes' }] })
    const text = await readFile(path, 'utf8')
    expect(text).toContain('password: "0123 # yes"')
    expect(parse(text)).toEqual({ version: 1, accounts: [{ name: 'a', password: '0123 # yes' }] })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })
})

it('a folder is gone after its scope', async () => {
  let path = ''
  {
    await using folder = await tempFolder()
    path = folder.path
    await writeFile(folder.at('x'), '')
  }
  await expect(stat(path)).rejects.toThrow()
})

describe('the built program', () => {
  const messages = ['Subject: one\r\n\r\nFrom one\r\n', 'Subject: two\r\n\r\ntwo\r\n']
  const targets = [
    { type: 'maildir', path: 'mail' },
    { type: 'mbox', path: 'mail.mbox' },
  ]

  it('runs to its end against the fake server', async () => {
    await using server = await FakePop3Server.start({ messages, tls: 'implicit' })
    await using folder = await tempFolder()
    await writePlan(folder, { accounts: [{ name: 'a', source: server.source(), targets }] })
    const { code, events, stderr } = await runPopferry(['run', '--json'], { cwd: folder.path })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', exitCode: 0, listed: 2, copied: 2 })
    const expected = ['Subject: one\n\nFrom one\n', 'Subject: two\n\ntwo\n']
    expect((await readMaildir(folder.at('mail'))).map(({ bytes }) => String(bytes)).toSorted()).toEqual(expected)
    expect((await readMboxrd(folder.at('mail.mbox'))).map(({ bytes }) => String(bytes))).toEqual(expected)
    expect(server.sessions.at(-1)).toMatchObject({ quit: true })
  })

  it('can be signalled while it works', async () => {
    await using server = await FakePop3Server.start({ messages, hooks: { RETR: () => stall } })
    await using folder = await tempFolder()
    await writePlan(folder, { accounts: [{ name: 'a', source: server.source(), targets }] })
    await using running = startPopferry(['run'], { cwd: folder.path })
    await server.seen('RETR')
    running.kill()
    expect(await running.finished).toMatchObject({ code: null, signal: 'SIGKILL' })
    expect(server.sessions[0]?.quit).toBe(false)
  })
})
