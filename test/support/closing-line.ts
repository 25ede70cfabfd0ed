import type { Reporter, TestModule } from 'vitest/node'
import { type Figures, sum } from '../fault/tally.js'

/**
 * Ends the output with the figures of the fault campaign, with what was not tested and why, a line for each file and reason, and with the line
 * `N passed, N failed` (and `, N skipped`), which people and CI look for.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      counts.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const state = test.result().state
        counts[state === 'pending' ? 'failed' : state]++
      }
    }
    process.stdout.write(campaignTable(modules))
    const notTested = modules.flatMap(skippedLines).map((line) => `${line}\n`)
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
    process.stdout.write(`\n${notTested.join('')}${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
  }
}

function skippedLines(module: TestModule): readonly string[] {
  const byReason = new Map<string, number>()
  for (const test of module.children.allTests('skipped')) {
    const result = test.result()
    const reason = result.state === 'skipped' && result.note !== undefined ? `, because ${result.note}` : ''
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1)
  }
  return Array.from(byReason, ([reason, count]) => `not tested: ${count} of ${module.relativeModuleId}${reason}`)
}

/** A line for each test that has counted what it did, as a table in Markdown; empty where none has. */
function campaignTable(modules: readonly TestModule[]): string {
  const rows: [string, Figures][] = []
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { campaign } = test.meta()
      if (campaign) rows.push([test.fullName.replaceAll('|', '/'), campaign])
    }
  }
  const [first, ...others] = rows.map(([, figures]) => figures)
  if (!first) return ''
  const total = others.reduce<Figures>(sum, first)
  const lines = [...rows, ['**all**', total] as const].map(([name, figures]) => {
    const { kills, stops, cuts, faults, messages, lost, doubled } = figures
    return `| ${[name, kills, stops, cuts, faults, messages, lost, doubled].join(' | ')} |\n`
  })
  const head = ['the campaign', 'kills', 'stops', 'cuts', 'faults', 'messages looked for', 'lost', 'doubled']
  return `\n| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}\n${lines.join('')}`
}
