import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { newerNode } from '../support/node-runtimes.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the ledger on a Node.js that has node:sqlite', () => {
  it('passes the same tests, and shares its files with libsql both ways', async (context) => {
    const newer = await newerNode()
    if ('missing' in newer) {
      process.stderr.write(`node:sqlite was not tested: ${newer.missing}\n`)
      return context.skip(newer.missing)
    }
    const files = ['sqlite', 'drivers', 'hostile', 'older'].map((name) => `test/ledgers/${name}.test.ts`)
    // Without this process's environment: the tests inside must not take themselves for a worker of these.
    const inside = await run(
      newer.path,
      ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', '--no-color', ...files],
      { cwd: root, env: { PATH: process.env['PATH'] }, maxBuffer: 2 ** 24 },
    ).catch((error: unknown) => error as { stdout: string; stderr: string })
    expect(failures(inside.stdout), inside.stderr).toEqual([])
    expect(inside.stdout).toContain('a ledger that node wrote goes on with libsql')
    expect(inside.stdout).toContain('a ledger that libsql wrote goes on with node')
    expect(inside.stderr).not.toContain('ExperimentalWarning')
  }, 120_000)
})

interface Results {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** What failed, with its reasons; a run that gave no results has failed as a whole. */
function failures(json: string): readonly string[] {
  if (!json.startsWith('{')) return [`no results: ${json}`]
  return (JSON.parse(json) as Results).testResults.flatMap(({ message, assertionResults }) => [
    ...(message === '' ? [] : [message]),
    ...assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join('\n')}`),
  ])
}
