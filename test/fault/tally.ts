import type { TestContext } from 'vitest'

/** What a case of the campaign has done, and what it found at the targets. */
export interface Figures {
  /** SIGKILLs of the real process. */
  readonly kills: number
  /** Runs stopped inside this process, between two calls of ports. */
  readonly stops: number
  /** Connections cut. */
  readonly cuts: number
  /** Calls of the operating system that failed. */
  readonly faults: number
  /** Messages looked for at the targets after the last run of a round. */
  readonly messages: number
  readonly lost: number
  readonly doubled: number
}

declare module 'vitest' {
  interface TaskMeta {
    campaign?: Figures
  }
}

/** What was found at the targets. */
export type Checked = Pick<Figures, 'messages' | 'lost' | 'doubled'>

const none: Figures = { kills: 0, stops: 0, cuts: 0, faults: 0, messages: 0, lost: 0, doubled: 0 }

/** Adds to the figures of a test, which stand in the closing table. */
export function count({ task }: Pick<TestContext, 'task'>, more: Partial<Figures>): void {
  task.meta.campaign = sum(task.meta.campaign ?? none, more)
}

export function sum<T extends Partial<Figures>>(one: T, other: Partial<Figures>): T {
  const figures = Object.entries(one) as [keyof Figures, number][]
  return Object.fromEntries(figures.map(([name, value]) => [name, value + (other[name] ?? 0)])) as T
}

/** How far what was found differs from what was sent: both as multisets, by digest or by text. */
export function compare(found: readonly string[], sent: readonly string[]): Checked {
  const left = new Map<string, number>()
  for (const one of sent) left.set(one, (left.get(one) ?? 0) + 1)
  let doubled = 0
  for (const one of found) {
    const count = left.get(one) ?? 0
    if (count === 0) doubled++
    else left.set(one, count - 1)
  }
  const lost = [...left.values()].reduce((total, count) => total + count, 0)
  return { messages: sent.length, lost, doubled }
}
