import { expect, it } from 'vitest'
import { statusTable } from '../../src/reporters/status-table.js'
import { hostile, unsafe } from './events.js'

const target = { target: 'maildir', messages: 12_345, bytes: 5_000_000, failed: 1 }

it('has a line for each target, figures to the right', () => {
  const lastRun = { run: 'r', at: Date.UTC(2026, 0, 31, 4, 0, 59), status: 'ok' }
  const accounts = [
    { account: 'alice', targets: [target, { target: 'mbox', messages: 0, bytes: 0, failed: 0 }], lastRun },
    { account: '世界', targets: [], lastRun: undefined },
  ]
  expect(statusTable(accounts)).toBe(
    [
      'ACCOUNT  TARGET   MESSAGES    SIZE  FAILED  LAST RUN',
      'alice    maildir    12,345  4.8 MB       1  2026-01-31 04:00 UTC ok',
      'alice    mbox            0     0 B       0  2026-01-31 04:00 UTC ok',
      '世界     -               0     0 B       0  never',
      '',
    ].join('\n'),
  )
})

it('CON-06 escapes names', () => {
  const table = statusTable([{ account: hostile, targets: [{ ...target, target: hostile }], lastRun: undefined }])
  const lines = table.split('\n')
  expect(lines).toHaveLength(3)
  for (const line of lines) expect(line).not.toMatch(unsafe)
})
