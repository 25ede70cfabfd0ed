import { describe, expect, it } from 'vitest'
import { all, openScene, signIns, storedSubjects } from './scene.js'

const modes = ['implicit', 'starttls'] as const

describe.concurrent('TLS', () => {
  it.each(modes)('%s copies, and sends nothing but STLS in the clear', async (tls) => {
    await using scene = await openScene({ tls, source: { sessions: 'single' } })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(await storedSubjects(scene)).toEqual(all)
    const { lines } = scene.server
    const secured = lines.indexOf('STLS')
    expect(secured).toBe(tls === 'starttls' ? 1 : -1)
    expect(lines.slice(0, secured + 1).filter((line) => signIns.test(line))).toEqual([])
    expect(lines.slice(secured + 1).filter((line) => signIns.test(line))).toHaveLength(1)
  })

  it.each([
    ['implicit', 'expired', /the certificate expired on 2020-02-01, and this machine’s clock says \d{4}-\d\d-\d\d/],
    ['starttls', 'expired', /the certificate expired on 2020-02-01, and this machine’s clock says \d{4}-\d\d-\d\d/],
    ['implicit', 'self-signed', /the certificate is self-signed \(for localhost, 127\.0\.0\.1\)/],
    ['starttls', 'wrong-name', /the certificate is for mail\.other\.example, not 127\.0\.0\.1/],
  ] as const)('TLS-05 %s with a certificate that is %s: exit 3, no password sent', async (tls, certificate, words) => {
    await using scene = await openScene({ tls, certificate })
    const { code, stdout, stderr } = await scene.run(['run'])
    expect(code).toBe(3)
    const where = `\\(127\\.0\\.0\\.1:${scene.server.port}, TLS handshake\\)`
    expect(stdout).toMatch(new RegExp(`^    ${words.source} ${where} — no password was sent; `, 'm'))
    expect(stderr).toMatch(
      /^alice: the certificate .* if the server’s admin confirms the (?:name|fingerprint), write `/,
    )
    expect(scene.server.sessions).toHaveLength(1)
    expect(scene.server.lines.filter((line) => signIns.test(line))).toEqual([])
  })

  it('verify: false accepts any certificate, and warns in every run, also a quiet one', async () => {
    await using scene = await openScene({
      tls: 'implicit',
      certificate: 'expired',
      source: { tlsOptions: { verify: false } },
    })
    const { code, stderr } = await scene.run(['run', '--quiet'])
    expect(code).toBe(0)
    expect(stderr).toBe('warning: alice: any certificate is accepted (tlsOptions.verify: false)\n')
  })
})
