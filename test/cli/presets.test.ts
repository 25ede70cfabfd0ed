import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { send } from '../support/fake-actions.js'
import { account, all, openScene, storedSubjects } from './scene.js'

const targets = [{ type: 'maildir', path: 'a' }]

describe.concurrent('presets', () => {
  it('keys of the plan win, and the preset serves for the rest', async () => {
    await using scene = await openScene({ source: { provider: 'gmail' } })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(await storedSubjects(scene)).toEqual(all)
  })

  it('a refused sign-in at Gmail says what to do there', async () => {
    const reply = '-ERR [AUTH] Username and password not accepted.\r\n'
    await using scene = await openScene({ source: { provider: 'gmail' }, hooks: { AUTH: () => send(reply) } })
    const { code, stdout } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout).toContain(
      '"-ERR [AUTH] Username and password not accepted." — `user` must be the whole address; Google accepts only an ' +
        'app password (https://myaccount.google.com/apppasswords), in Workspace only `oauth2`; ' +
        'POP must be switched on in the settings of Gmail (Forwarding and POP/IMAP)\n',
    )
  })

  it('a misspelt name: exit 2, and the nearest', async () => {
    await using scene = await openScene({
      plan: () => ({ accounts: [{ name: 'a', source: { provider: 'gmial', user: 'a', password: 'x' }, targets }] }),
    })
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^migrate\.yaml:\d+:\d+: expected a preset that `popferry providers` lists; did you mean `gmail`\?\n$/,
    )
  })

  it('a firm that has IMAP only: exit 2, and what it can be', async () => {
    await using scene = await openScene({
      plan: () => ({ accounts: [{ name: 'a', source: { provider: 'icloud', user: 'a', password: 'x' }, targets }] }),
    })
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^migrate\.yaml:\d+:\d+: iCloud Mail has no POP3, only IMAP: it can be a target, not a source\n$/,
    )
  })

  it('neither host nor provider', async () => {
    await using scene = await openScene({ plan: () => ({ accounts: [account('a', { user: 'a', password: 'x' })] }) })
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/`host` is missing: expected the name of a host, or a `provider` whose host is known\n$/)
  })

  it('the names stand in the JSON Schema', async () => {
    const schema = await readFile(new URL('../../schema/plan.schema.json', import.meta.url), 'utf8')
    for (const name of ['gmail', 'yahoo-japan', 'outlook', 'microsoft365']) expect(schema).toContain(`"${name}"`)
  })
})
