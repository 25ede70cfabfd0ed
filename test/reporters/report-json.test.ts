import { describe, expect, it } from 'vitest'
import { jsonReport } from '../../src/reporters/report-json.js'
import { rawControl } from '../cli/scene.js'
import { hostileSubjects } from '../support/hostile-subjects.js'
import { documentOf, reportOf, uncopiedOf } from './report-sample.js'

describe('a report as JSON', () => {
  it.each([
    ['nothing', []],
    ['one', [['a']]],
    ['several accounts', [['a', 'b'], ['c']]],
    ['hostile texts', [hostileSubjects]],
  ])('is one document with a list of %s, a line each', (_, lists) => {
    const text = documentOf(
      jsonReport,
      reportOf('x'),
      lists.map((list) => list.map((one) => uncopiedOf(one))),
      1,
    )
    const { uncopied } = JSON.parse(text) as {
      uncopied: readonly { readonly uidl: string; readonly subject: string }[]
    }
    expect(uncopied.map(({ subject }) => subject)).toEqual(lists.flat())
    const lines = text.trim().split('\n').slice(2, -1).filter(Boolean)
    expect(lines.map((line) => (JSON.parse(line.replace(/,$/, '')) as { subject: string }).subject)).toEqual(
      lists.flat(),
    )
    expect(text.replaceAll('\n', '')).not.toMatch(rawControl)
  })

  it('gives every text back unchanged', () => {
    for (const text of hostileSubjects) {
      const document = documentOf(jsonReport, reportOf(text), [])
      expect(JSON.parse(document)).toMatchObject({
        format: 'popferry-report',
        formatVersion: 1,
        time: '2026-01-31T04:00:00.000Z',
        plan: `/plans/${text}`,
        run: { run: text, runs: 2, exitCode: 3 },
        throughput: { from: '2026-01-31T04:00:00.000Z', seconds: 5, bins: [{}, {}, {}, {}] },
        accounts: [
          {
            account: text,
            host: text,
            lastRun: { status: text, error: text },
            targets: [{ place: `/${text}`, flags: { 'lossy-form': 3 }, volumes: [{ sha256: 'ab'.repeat(32) }] }, {}],
            reasons: [{ code: text, messages: 4 }],
          },
          { account: `${text} before`, planned: false },
        ],
      })
    }
  })

  it('knows times that no calendar has', () => {
    const document = documentOf(jsonReport, { ...reportOf('x'), at: 9e15 }, [])
    expect(JSON.parse(document)).toMatchObject({ time: null })
  })
})
