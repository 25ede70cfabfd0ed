import { describe, expect, it } from 'vitest'
import { rawControl } from './scene.js'
import { runPopferry, tempFolder } from '../support/rig.js'

describe.concurrent('popferry providers', () => {
  it('lists every preset, no line wider than a terminal', async () => {
    await using folder = await tempFolder()
    const { code, stdout, stderr } = await runPopferry(['providers'], { cwd: folder.path })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^PROVIDER +NAME +POP3 +IMAP$/)
    expect(lines.length).toBeGreaterThan(34)
    expect(lines).toContainEqual(expect.stringMatching(/^web-de +WEB\.DE +pop3\.web\.de +imap\.web\.de$/))
    expect(lines).toContainEqual(expect.stringMatching(/^icloud +iCloud Mail +none +imap\.mail\.me\.com$/))
    // A terminal's 80 columns do not hold four columns of names; 120 do.
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(120)
  })

  it('names the one that serves an address', async () => {
    await using folder = await tempFolder()
    const { code, stdout } = await runPopferry(['providers', 'Sam@Gmail.com'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Gmail\n {2}POP3 {7}pop\.gmail\.com, port 995, TLS\n {2}IMAP {7}imap\.gmail\.com, port 993, TLS\n/,
    )
    expect(stdout).toContain('\n  In a plan  provider: gmail\n')
    expect(stdout).toMatch(/\n {2}Source +https:.* looked up on 20\d\d-\d\d-\d\d\n$/)
  })

  it('says of a firm with IMAP only that it has no POP3', async () => {
    await using folder = await tempFolder()
    const { code, stdout } = await runPopferry(['providers', 'sam@me.com'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(stdout).toContain('none: iCloud Mail has only IMAP, so it can be a target, not a source')
  })

  it('does not guess, nor ask anybody: exit 3', async () => {
    await using folder = await tempFolder()
    const { code, stdout, stderr } = await runPopferry(['providers', 'sam@\u001b[31mpop.example'], { cwd: folder.path })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/pop\.example: no preset serves it by its name — .*MX record.*\n$/)
    expect(stderr).not.toMatch(rawControl)
  })

  it('--json', async () => {
    await using folder = await tempFolder()
    const all = await runPopferry(['providers', '--json'], { cwd: folder.path })
    expect(all.events.filter(({ type }) => type === 'provider').length).toBeGreaterThan(33)
    expect(all.events.at(-1)).toMatchObject({ type: 'providers.finished', exitCode: 0 })
    const none = await runPopferry(['providers', '--json', 'sam@pop.example'], { cwd: folder.path })
    expect(none).toMatchObject({ code: 3, stderr: '' })
    expect(none.events).toEqual([expect.objectContaining({ type: 'providers.finished', exitCode: 3 })])
  })
})
