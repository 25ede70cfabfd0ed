import { expect, test } from 'vitest'
import { hostName } from '../../src/plan/host.js'

test.each([
  ['POP.Example.org', 'pop.example.org'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['localhost', 'localhost'],
  ['mail_1.example.', 'mail_1.example.'],
  ['127.0.0.1', '127.0.0.1'],
  ['FE80::1', 'fe80::1'],
  ['[::1]', '::1'],
])('YML-13 %s', (text, name) => {
  expect(hostName(text)).toEqual({ name })
})

test.each([
  ['pop3s://u:S3cret@h'],
  ['u:S3cret@h'],
  ['S3cret:995'],
  ['S3cret .example'],
  ['S3cret\n'],
  ['[::1]:995'],
  ['[S3cret]'],
  ['S3cret..example'],
  [`S3cret${'x'.repeat(64)}`],
  ['-S3cret'],
  [''],
  ['xn--S3cret-ä'],
])('YML-13 %j is refused without being repeated', (text) => {
  const host = hostName(text)
  expect(host).toHaveProperty('problem')
  expect(JSON.stringify(host)).not.toContain('S3cret')
})
