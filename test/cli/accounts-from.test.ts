import { chmod, readdir, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { FakePop3Server } from '../support/fake-pop3-server.js'
import { readMaildir } from '../support/rig.js'
import { openScene, type Scene, snapshot } from './scene.js'

const canary = 'Kanarie, "9%/+ö~'
const users = {
  'anna@old.example': { password: 'x', messages: ['Subject: a\r\n\r\n'] },
  'bob@old.example': { password: canary, messages: ['Subject: b\r\n\r\n', 'Subject: b2\r\n\r\n'] },
}
const rows = ['name,login,pw', 'anna,anna,x', 'bob,bob,"Kanarie, ""9%/+ö~"', '']

/** A plan whose accounts are the rows of `users.csv`. */
async function tableScene(table: string = rows.join('\r\n')): Promise<Scene> {
  const scene = await openScene({ users, plan: fromTable })
  await writeFile(scene.folder.at('users.csv'), table, { mode: 0o600 })
  return scene
}

function fromTable(server: FakePop3Server): object {
  const source = { ...server.source(), user: '{login}@old.example', password: { column: 'pw' } }
  const targets = [{ type: 'maildir', path: 'mail/{login}' }]
  return { defaults: { source, targets }, accountsFrom: { csv: 'users.csv' }, accounts: undefined }
}

describe.concurrent('accounts from a table', () => {
  it('run copies each row, once; status knows them', async () => {
    await using scene = await tableScene()
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(await readMaildir(scene.folder.at('mail', 'anna'))).toHaveLength(1)
    expect(await readMaildir(scene.folder.at('mail', 'bob'))).toHaveLength(2)
    expect(await scene.run(['run'])).toMatchObject({
      code: 0,
      stdout: 'All 3 messages of 2 accounts are safe: nothing new.\n',
    })
    expect((await scene.run(['status'])).stdout).toMatch(/\nanna +maildir +1 .*\nbob +maildir +2 /)
  })

  it('--account globs choose among the rows', async () => {
    await using scene = await tableScene()
    const { events } = await scene.run(['run', '--json', '--account', 'b*'])
    expect(events.find(({ type }) => type === 'run.finished')).toMatchObject({ exitCode: 0, copied: 2 })
    expect(await readdir(scene.folder.at('mail'))).toEqual(['bob'])
    const { code, stderr } = await scene.run(['run', '--account', 'bop'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'no account of the plan is called "bop"; did you mean `bob`?\n',
    })
  })

  it('SEC-05 a table with passwords that others may read', async () => {
    await using scene = await tableScene()
    await chmod(scene.folder.at('users.csv'), 0o644)
    const { code, stderr } = await scene.run(['run', '--quiet'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^warning: \/.*\/users\.csv holds a password and others may read it: chmod 600, .*\n$/)
  })

  it('a wrong table: exit 2 with line and column, no secret, nothing contacted, nothing written', async () => {
    await using scene = await tableScene([...rows.slice(0, 3), 'cy,../c,y,z', 'anna,d,"', 'x'].join('\n'))
    const before = await snapshot(scene.folder.path)
    const { code, stdout, stderr } = await scene.run(['run', '-vv'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe('users.csv:5:3: the quote that opens in this row is not closed\n')
    await writeFile(scene.folder.at('users.csv'), [...rows.slice(0, 3), 'cy,../c,y,z', 'anna,d,'].join('\n'))
    const second = await scene.run(['run'])
    expect(second).toMatchObject({ code: 2, stdout: '' })
    expect(second.stderr.split('\n').map((line) => line.split(' ', 1)[0])).toEqual([
      'users.csv:4:1:',
      'users.csv:4:2:',
      'users.csv:5:1:',
      'users.csv:5:3:',
      '',
    ])
    expect(second.stderr).not.toContain('Kanarie')
    expect(scene.server.sessions).toHaveLength(0)
    await writeFile(scene.folder.at('users.csv'), rows.join('\r\n'))
    expect(Object.keys(await snapshot(scene.folder.path))).toEqual(Object.keys(before))
  })

  it('the password of a row is in no output, and the server gets it as it stands there', async () => {
    await using scene = await tableScene()
    const { code, stdout, stderr } = await scene.run(['run', '-vv'])
    expect(code).toBe(0)
    const forms = [canary, Buffer.from(`\0bob@old.example\0${canary}`).toString('base64')]
    expect(forms.filter((form) => (stdout + stderr).includes(form))).toEqual([])
  })

  it('one slip in a thousand rows is no flood', async () => {
    const many = Array.from({ length: 1000 }, (_, n) => `u${n},.u${n},x`)
    await using scene = await tableScene(['name,login,pw', ...many].join('\n'))
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(2)
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(101)
    expect(lines.at(-1)).toBe('… and 900 more')
  })
})
