import { describe, expect, it } from 'vitest'
import { judge } from './sync-trace.js'

const target = '/t/mail'
const ledger = '/t/state/ledger.db'
const verdict = (lines: readonly string[]): readonly string[] => judge(lines.join('\n'), { target, ledger }).wrong

const written = '7 write(3</t/mail/tmp/a>, ""..., 10) = 10'
const synced = '7 fsync(3</t/mail/tmp/a>) = 0'
const renamed = '7 rename("/t/mail/tmp/a", "/t/mail/new/a") = 0'
const folder = '7 fsync(4</t/mail/new>) = 0'
const recorded = ['5 pwrite64(9</t/state/ledger.db>, ""..., 4096, 0) = 4096', '5 fsync(9</t/state/ledger.db>) = 0']

describe('a Maildir', () => {
  it('is durable where file, folder and ledger are synced in their order', () => {
    const all = [written, synced, renamed, folder, ...recorded]
    expect(judge(all.join('\n'), { target, ledger })).toEqual({
      wrong: [],
      renamed: 1,
      files: 1,
      folders: 1,
      ledger: 1,
    })
  })

  it.each<[string, readonly string[], string]>([
    ['a file that is not synced', [written, renamed, folder, ...recorded], '/t/mail/tmp/a is renamed before'],
    ['one that is synced behind its rename', [written, renamed, synced, folder, ...recorded], 'is renamed before'],
    ['one that is written to again', [written, synced, written, renamed, folder, ...recorded], 'is renamed before'],
    ['a sync that fails', [written, '7 fsync(3</t/mail/tmp/a>) = -1 EIO (x)', renamed, folder], 'is renamed before'],
    ['a folder that is not synced', [written, synced, renamed, ...recorded], '/t/mail/new is not synced'],
    ['one that is synced too late', [written, synced, renamed, ...recorded, folder], '/t/mail/new is not synced when'],
    ['no ledger', [written, synced, renamed, folder], 'the ledger is not synced at the end'],
    ['a ledger that is not synced', [written, synced, renamed, folder, recorded[0] ?? ''], 'the ledger is not synced'],
  ])('is not with %s', (_, lines, what) => {
    expect(verdict(lines).join('\n')).toContain(what)
  })

  it('is not where the sync had begun before the rename ended', () => {
    const started = [
      '7 rename("/t/mail/tmp/a", "/t/mail/new/a" <unfinished ...>',
      '8 fsync(4</t/mail/new> <unfinished ...>',
    ]
    const ended = ['7 <... rename resumed>) = 0', '8 <... fsync resumed>) = 0']
    expect(verdict([written, synced, ...started, ...ended, ...recorded]).join('\n')).toContain(
      '/t/mail/new is not synced',
    )
  })

  it('is not where a rename begins before the sync has ended', () => {
    const lines = [written, '8 fsync(3</t/mail/tmp/a> <unfinished ...>', renamed, '8 <... fsync resumed>) = 0', folder]
    expect(verdict([...lines, ...recorded]).join('\n')).toContain('is renamed before')
  })
})

describe('an mbox', () => {
  const append = '7 write(3</t/mail/alice>, ""..., 10) = 10'
  const sync = '7 fdatasync(3</t/mail/alice>) = 0'

  it('is durable where it is synced before the ledger, and its lock does not matter', () => {
    const lock = '7 write(8</t/mail/alice.lock.0123>, ""..., 10) = 10'
    expect(verdict([lock, append, append, sync, ...recorded])).toEqual([])
  })

  it.each<[string, readonly string[]]>([
    ['is not synced', [append, ...recorded]],
    ['is synced behind the ledger', [append, ...recorded, sync]],
    ['is written to again', [append, sync, append, ...recorded]],
  ])('is not where it %s', (_, lines) => {
    expect(verdict(lines).join('\n')).toContain('/t/mail/alice is not synced')
  })
})
