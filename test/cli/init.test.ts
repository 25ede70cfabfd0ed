import { mkdir, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { readMaildir, runPopferry, type TempFolder, tempFolder } from '../support/rig.js'
import { snapshot, threeMessages } from './scene.js'

async function init(folder: TempFolder, ...args: readonly string[]): ReturnType<typeof runPopferry> {
  return runPopferry(['init', ...args], { cwd: folder.path })
}

/** Changes a plan as its reader would: another server, and a password where one is asked for. */
async function edit(path: string, server: FakePop3Server): Promise<void> {
  const { port } = server.source() as { readonly port: number }
  const text = await readFile(path, 'utf8')
  const edited = text
    .replace(/^( *)host: pop\.old\.example$/m, `$1host: 127.0.0.1\n$1port: ${port}\n$1tls: none`)
    .replace('{ prompt: true }', "'x'")
  expect(edited).not.toBe(text)
  await writeFile(path, edited)
}

describe.concurrent('popferry init', () => {
  it('writes a plan that status, a dry run and a run understand', async () => {
    await using folder = await tempFolder()
    const users = { 'alice@old.example': { password: 'x', messages: threeMessages } }
    await using server = await FakePop3Server.start({ users })
    expect(await init(folder)).toMatchObject({
      code: 0,
      stdout: 'Wrote migrate.yaml; check its `host`. Then: popferry run --dry-run\n',
      stderr: '',
    })
    expect((await stat(folder.at('migrate.yaml'))).mode & 0o777).toBe(0o600)
    const run = async (...args: readonly string[]): ReturnType<typeof runPopferry> =>
      runPopferry(args, { cwd: folder.path })
    expect(await run('status')).toMatchObject({ code: 0, stderr: '' })
    await edit(folder.at('migrate.yaml'), server)
    expect((await run('run', '--dry-run')).code).toBe(0)
    expect((await run('run')).code).toBe(0)
    expect(await readMaildir(folder.at('archive', 'alice'))).toHaveLength(3)
  })

  it('--csv writes a table as well, and a plan whose accounts are its rows', async () => {
    await using folder = await tempFolder()
    const users = { 'alice@old.example': { password: 'replace-me', messages: threeMessages } }
    await using server = await FakePop3Server.start({ users })
    expect(await init(folder, '--csv')).toMatchObject({ code: 0 })
    expect((await stat(folder.at('users.csv'))).mode & 0o777).toBe(0o600)
    await edit(folder.at('migrate.yaml'), server)
    for (const args of [['status'], ['run', '--dry-run'], ['run']]) {
      expect((await runPopferry(args, { cwd: folder.path })).code).toBe(0)
    }
    expect(await readMaildir(folder.at('archive', 'alice'))).toHaveLength(3)
  })

  it.each([
    ['sam@gmail.com', ['provider: gmail', "user: 'sam@gmail.com'", 'app password', 'POP must be switched on']],
    ['sam@web.de', ['provider: web-de', "user: 'sam'"]],
    ["o'neil@hotmail.com", ['provider: outlook', 'oauth2:', "name: 'o-neil'", "user: 'o''neil@hotmail.com'"]],
    ['../x@company.example', ['host: pop.company.example', 'guess', "name: '-x'"]],
    ['büro@bücher.example', ['host: pop.xn--bcher-kva.example', "name: 'büro'"]],
    ['a#b: {c}@company.example', []],
  ])('--email %s', async (email, parts) => {
    await using folder = await tempFolder()
    const { code, stderr } = await init(folder, '--email', email)
    if (parts.length === 0) {
      expect({ code, stderr }).toEqual({ code: 2, stderr: '--email: expected an address such as alice@old.example\n' })
      return
    }
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const text = await readFile(folder.at('migrate.yaml'), 'utf8')
    for (const part of parts) expect(text).toContain(part)
    expect(await runPopferry(['status'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
    const csv = await init(folder, '--csv', '--email', email, 'table.yaml')
    expect(csv.code).toBe(0)
    expect(await runPopferry(['status', 'table.yaml'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
  })

  it('a provider without POP3 gets a clear answer, and no plan', async () => {
    await using folder = await tempFolder()
    const { code, stderr } = await init(folder, '--email', 'sam@icloud.com')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'iCloud Mail has no POP3, only IMAP: popferry cannot copy from it; nothing was written\n',
    })
    expect(await snapshot(folder.path)).toEqual({})
  })

  it('never overwrites: neither plan, nor table, nor what a link names; all or nothing', async () => {
    await using folder = await tempFolder()
    await writeFile(folder.at('migrate.yaml'), 'mine')
    await writeFile(folder.at('users.csv'), 'mine')
    await mkdir(folder.at('folder'))
    const before = await snapshot(folder.path)
    await symlink(folder.at('gone'), folder.at('link.yaml'))
    for (const [args, problem] of [
      [[], 'migrate.yaml is there already'],
      [['--csv', 'other.yaml'], 'users.csv is there already'],
      [['link.yaml'], 'link.yaml is there already'],
      [['folder'], 'folder is there already'],
      [['none/migrate.yaml'], 'none/migrate.yaml: there is no such folder'],
    ] as const) {
      const { code, stdout, stderr } = await init(folder, ...args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(problem)
    }
    await unlink(folder.at('link.yaml'))
    expect(await snapshot(folder.path)).toEqual(before)
  })

  it('--json and --quiet', async () => {
    await using folder = await tempFolder()
    const { events } = await init(folder, '--json', '--csv', 'a.yaml')
    expect(events).toEqual([
      expect.objectContaining({ type: 'init.finished', exitCode: 0, files: ['a.yaml', 'users.csv'] }),
    ])
    expect(await init(folder, '--quiet', 'b.yaml')).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })
})
