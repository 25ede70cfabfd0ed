import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { send, stall } from '../support/fake-actions.js'
import type { ImapHook } from '../support/fake-imap-session.js'
import { openImapScene } from './imap-scene.js'
import { openScene, printed, type Scene, type SceneOptions, snapshot } from './scene.js'

interface Document {
  readonly format: string
  readonly verdict: string
  readonly working: string | null
  readonly totals: Readonly<Record<string, number>>
  readonly accounts: readonly {
    readonly account: string
    readonly verdict: string
    readonly listing: Readonly<Record<string, number>> | null
    readonly targets: readonly { readonly target: string; readonly messages: number }[]
  }[]
  readonly uncopied: readonly {
    readonly account: string
    readonly uidl: string
    readonly state: string
    readonly size: number | null
    readonly subject?: string
    readonly reasons: readonly { readonly code: string; readonly error: string; readonly target?: string }[]
  }[]
}

async function documentIn({ folder }: Scene, name = 'r.json'): Promise<Document> {
  return JSON.parse(await readFile(folder.at(name), 'utf8')) as Document
}

const refusing = {
  RETR: ({ uidl }: { uidl: string | undefined }) => (uidl === 'u2' ? send('-ERR it is gone\r\n') : undefined),
}

describe.concurrent('report', () => {
  it('before the first run: knows nothing, contacts nobody, and leaves nothing but its file', async () => {
    await using scene = await openScene()
    const before = await snapshot(scene.folder.path)
    const { code, stdout, stderr } = await scene.run(['report', '--output', 'r.json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      `It is not certain yet that everything is there. 1 account, 0 messages stored. Written to ${scene.folder.at('r.json')}\n`,
    )
    expect(await documentIn(scene)).toMatchObject({ format: 'popferry-report', verdict: 'unknown', uncopied: [] })
    expect(scene.server.sessions).toEqual([])
    await rm(scene.folder.at('r.json'))
    expect(await snapshot(scene.folder.path)).toEqual(before)
  })

  it('after a run: what is there, and what is missing with its reason', async () => {
    await using scene = await openScene({ hooks: refusing })
    await scene.run(['run'])
    const { code, events } = await scene.run(['report', '--output', 'r.json', '--json'])
    expect(code).toBe(0)
    const totals = { accounts: 1, complete: 0, listed: 3, copied: 2, failed: 1, pending: 0 }
    expect(events).toMatchObject([
      { type: 'report.finished', exitCode: 0, output: scene.folder.at('r.json'), verdict: 'missing', ...totals },
    ])
    expect(await documentIn(scene)).toMatchObject({
      totals,
      accounts: [{ account: 'alice', targets: [{ messages: 2 }, { messages: 2 }] }],
      uncopied: [{ account: 'alice', uidl: 'u2', state: 'failed', size: 27, reasons: [{ code: 'retr-refused' }] }],
    })
    expect((await documentIn(scene)).uncopied[0]?.reasons[0]?.error).toContain('"-ERR it is gone"')
    const page = await scene.run(['report', '--output', 'r.html', '--quiet'])
    expect(page).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const html = await readFile(scene.folder.at('r.html'), 'utf8')
    expect(html).toContain('1 message is missing.')
    expect(html).toContain('<tr><td>u2<td><td>27 B<td>the server does not hand out')
    expect((await lstat(scene.folder.at('r.html'))).mode & 0o777).toBe(0o600)
    scene.server.hooks = {}
    await scene.run(['run'])
    expect((await scene.run(['report', '--output', 'r.html'])).stdout).toMatch(/^Everything is there\. 1 account, 3 m/)
  })

  it('names the subject of what a target refused, from the quarantine', async () => {
    const subject = 'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_=3Cb=3E?=\r\n\r\n'
    const APPEND: ImapHook = ({ literals }) =>
      literals.some((bytes) => bytes.includes('Gr=')) ? { reply: 'TAG NO [TOOBIG] "no"\r\n' } : undefined
    const messages = [`From: a\r\n${subject}${'x'.repeat(300_000)}\r\n`, 'Subject: two\r\n\r\n']
    await using scene = await openImapScene({ messages, imap: { hooks: { APPEND } } })
    for (let again = 0; again < 2; again++) {
      expect((await scene.run(['run', '--report', 'r.json'])).code).toBe(3)
      const { uncopied } = await documentIn(scene)
      expect(uncopied).toMatchObject([{ uidl: 'u1', subject: 'Grüße <b>', size: messages[0]?.length }])
      expect(uncopied[0]?.reasons).toMatchObject([{ target: 'imap', code: 'too-big' }])
      expect(uncopied[0]?.reasons[0]?.error).toContain('NO [TOOBIG] "no"')
    }
    await scene.run(['report', '--output', 'r.html'])
    expect(await readFile(scene.folder.at('r.html'), 'utf8')).toContain('<td>Grüße &lt;b&gt;<td>')
    // Whatever happened to the file: the message is named all the same.
    await rm(scene.folder.at('migrate.state', 'quarantine'), { recursive: true })
    await scene.run(['report', '--output', 'r.json'])
    expect((await documentIn(scene)).uncopied).toMatchObject([{ uidl: 'u1', state: 'failed' }])
  })

  it('works beside a run, and says that one works', async () => {
    await using scene = await openScene({ hooks: { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) } })
    await using running = scene.start(['run', '--json'])
    await printed(running, '"target":"mbox","messages":1,"copied":1')
    const { code } = await scene.run(['report', '--output', 'r.json'])
    expect(code).toBe(0)
    const { verdict, working, accounts } = await documentIn(scene)
    expect(verdict).toBe('unknown')
    expect(working).toMatch(/^process \d+ on .* holds the state of /)
    expect(accounts[0]?.targets).toMatchObject([{ messages: 1 }, { messages: 1 }])
    running.kill('SIGKILL')
    await running.finished
    await scene.run(['report', '--output', 'r.html'])
    expect(await readFile(scene.folder.at('r.html'), 'utf8')).toContain('did not come to its end')
  })

  it.each([
    ['another kind of file', 'r.pdf', /--output: expected a file that ends in \.html or \.json, found r\.pdf/],
    ['no kind', 'report', /--output: expected a file/],
    ['a folder', 'folder.html', /--output: .*folder\.html is there and is not a file/],
    ['in a folder that is not there', 'no/r.html', /--output: there is no folder .*no/],
    ['in what is no folder', 'migrate.yaml/r.html', /--output: there is no folder .*migrate\.yaml/],
  ])('is refused before anything else where the output is %s', async (_, output, words) => {
    await using scene = await openScene()
    await mkdir(scene.folder.at('folder.html'))
    for (const args of [
      ['report', '--output', output],
      ['run', '--report', output],
    ]) {
      const { code, stdout, stderr } = await scene.run(args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr.replace('--report', '--output')).toMatch(words)
    }
    expect(scene.server.sessions).toEqual([])
    expect((await readdir(scene.folder.path)).toSorted()).toEqual(['folder.html', 'migrate.yaml'])
  })

  it('is refused without an output', async () => {
    await using scene = await openScene()
    const { code, stderr } = await scene.run(['report'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/--output <file>/)
  })

  it('takes the place of a link and not of what it leads to, and of a file with its mode', async () => {
    await using scene = await openScene()
    const { folder } = scene
    await writeFile(folder.at('other.html'), 'other')
    await symlink(folder.at('other.html'), folder.at('link.html'))
    await writeFile(folder.at('old.html'), 'old')
    await chmod(folder.at('old.html'), 0o640)
    for (const name of ['link.html', 'old.html']) await scene.run(['report', '--output', name])
    expect(await readFile(folder.at('other.html'), 'utf8')).toBe('other')
    expect((await lstat(folder.at('link.html'))).isFile()).toBe(true)
    expect((await lstat(folder.at('old.html'))).mode & 0o777).toBe(0o640)
    expect(await readFile(folder.at('old.html'), 'utf8')).toMatch(/^<!DOCTYPE html>/)
  })

  it.each([
    ['garbage', 'x'.repeat(5000)],
    ['empty', ''],
  ])('says so where the ledger is damaged (%s), and keeps the old report', async (_, content) => {
    await using scene = await openScene()
    await scene.run(['run', '--report', 'r.html'])
    const before = await readFile(scene.folder.at('r.html'))
    await writeFile(scene.folder.at('migrate.state', 'ledger.db'), content)
    const { code, stdout, stderr } = await scene.run(['report', '--output', 'r.html'])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/ledger\.db is (?:cut off|not what the last run has left)/)
    expect((await readFile(scene.folder.at('r.html'))).equals(before)).toBe(true)
  })
})

describe.concurrent('run --report', () => {
  it('writes a page at the end of each run, and data under the other name', async () => {
    await using scene = await openScene()
    for (const name of ['r.html', 'r.json', 'r.HTML']) {
      expect((await scene.run(['run', '--report', name])).code).toBe(0)
    }
    expect(await documentIn(scene)).toMatchObject({
      verdict: 'complete',
      totals: { listed: 3, copied: 0, present: 3 },
      run: { runs: 2, exitCode: 0 },
    })
    expect(await readFile(scene.folder.at('r.html'), 'utf8')).toContain('Everything is there.')
  })

  it.each<[string, SceneOptions, number, string]>([
    ['a message failed', { hooks: refusing }, 3, 'missing'],
    ['nobody may sign in', { source: { password: 'wrong' } }, 3, 'unknown'],
    ['the server is busy', { hooks: { greeting: () => send('-ERR busy\r\n') } }, 75, 'unknown'],
  ])('writes one also where %s', async (...[, options, exitCode, verdict]) => {
    await using scene = await openScene(options)
    expect((await scene.run(['run', '--report', 'r.json'])).code).toBe(exitCode)
    const listed = verdict === 'missing' ? 3 : 0
    expect(await documentIn(scene)).toMatchObject({ verdict, totals: { listed }, run: { exitCode } })
  })

  it('writes one also where it was interrupted, and names what was not tried', async () => {
    await using scene = await openScene({ hooks: { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) } })
    await using running = scene.start(['run', '--json', '--report', 'r.json'])
    await printed(running, '"target":"mbox","messages":1,"copied":1')
    running.kill('SIGINT')
    expect((await running.finished).code).toBe(130)
    const { verdict, totals, uncopied } = await documentIn(scene)
    expect({ verdict, totals }).toMatchObject({ verdict: 'missing', totals: { listed: 3, copied: 1, pending: 2 } })
    expect(uncopied.map(({ uidl, state }) => `${uidl} ${state}`)).toEqual(['u2 pending', 'u3 pending'])
  })

  it('names what --limit left', async () => {
    await using scene = await openScene()
    expect((await scene.run(['run', '--limit', '1', '--report', 'r.json'])).code).toBe(0)
    const { verdict, uncopied } = await documentIn(scene)
    expect({ verdict, ids: uncopied.map(({ uidl }) => uidl) }).toEqual({ verdict: 'missing', ids: ['u2', 'u3'] })
  })

  it('keeps the result where the report fails, warns, and exits with 3 only where nothing else was wrong', async () => {
    await using scene = await openScene({ hooks: { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) } })
    await using running = scene.start(['run', '--json', '--report', 'out/r.html'])
    // Not there: refused at once.
    expect((await running.finished).code).toBe(2)
    await mkdir(scene.folder.at('out'))
    await using second = scene.start(['run', '--json', '--report', 'out/r.html'])
    await printed(second, '"target":"mbox","messages":1,"copied":1')
    await rm(scene.folder.at('out'), { recursive: true })
    scene.server.hooks = {}
    second.kill('SIGTERM')
    const interrupted = await second.finished
    expect(interrupted.code).toBe(143)
    expect(interrupted.events.find(({ type }) => type === 'warning')).toMatchObject({
      code: 'report-failed',
      message: expect.stringMatching(
        /^the report was not written: cannot write .*r\.html: it does not exist$/,
      ) as string,
    })
  })

  it('is refused with --dry-run', async () => {
    await using scene = await openScene()
    const { code, stderr } = await scene.run(['run', '--dry-run', '--report', 'r.html'])
    expect({ code, sessions: scene.server.sessions }).toEqual({ code: 2, sessions: [] })
    expect(stderr).toContain('--dry-run copies nothing')
  })

  it('holds no secret, whatever a server says', async () => {
    const canary = 'Kanarie "9%/+ö~'
    await using scene = await openScene({
      users: { bob: { password: canary, messages: ['Subject: bob\r\n\r\n'] } },
      hooks: { RETR: () => send(Buffer.from(`-ERR I heard ${canary}\r\n`)) },
      plan: (server) => ({
        accounts: [
          {
            name: 'bob',
            source: { ...server.source('bob'), password: canary },
            targets: [{ type: 'mbox', path: 'b' }],
          },
        ],
      }),
    })
    for (const name of ['r.html', 'r.json']) {
      expect((await scene.run(['run', '--report', name])).code).toBe(3)
      const text = await readFile(scene.folder.at(name), 'utf8')
      expect(text).toContain('I heard')
      for (const form of [canary, 'Kanarie', Buffer.from(canary).toString('base64'), encodeURIComponent(canary)]) {
        expect(text).not.toContain(form)
      }
    }
  })
})

describe.concurrent('what a run records for reports', () => {
  it('is the date of each message at every kind of target, and each volume with its digest', async () => {
    const dated = ['Date: Fri, 31 Dec 1999 23:59:59 +0000\r\nSubject: old\r\n\r\n', 'Subject: undated\r\n\r\n']
    await using scene = await openScene({ messages: dated, users: { bob: { password: 'x', messages: dated } } })
    const targets = ['maildir', 'mbox', 'eml-zip'].map((type) => ({ type, path: `out/${type}.zip` }))
    const now = targets.map((target) => ({
      ...target,
      name: `${target.type} now`,
      path: `now/${target.path}`,
      date: 'now',
    }))
    await scene.plan({
      accounts: [targets, now].map((each, index) => ({
        name: `a${index}`,
        source: scene.server.source(index === 0 ? 'alice' : 'bob'),
        targets: each,
      })),
    })
    await scene.run(['run', '--report', 'r.json'])
    const { years, accounts } = JSON.parse(await readFile(scene.folder.at('r.json'), 'utf8')) as {
      years: unknown
      accounts: readonly {
        targets: readonly { volumes: readonly { path: string; sha256: string; messages: number }[] }[]
      }[]
    }
    expect(years).toMatchObject({
      years: [{ year: 1999, messages: 2 }],
      // Copies that are dated `now` do not say that the message has no date.
      undated: { messages: 1 },
      unknown: { messages: 1 },
    })
    const volumes = accounts.flatMap((account) => account.targets.flatMap((target) => target.volumes))
    expect(volumes.map(({ messages }) => messages)).toEqual([2, 2])
    for (const { path, sha256 } of volumes) {
      expect(
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      ).toBe(sha256)
    }
  })
})
