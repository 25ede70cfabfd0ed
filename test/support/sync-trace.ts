import { basename, dirname } from 'node:path'

/** Arguments of strace for a trace that `judge` can read, written to `path`. */
export function traceTo(path: string): readonly string[] {
  const calls = 'fsync,fdatasync,rename,renameat,renameat2,write,writev,pwrite64,pwritev,pwritev2,ftruncate'
  // -y names the file of each descriptor, -s 0 leaves out what is written.
  return ['-f', '-y', '-s', '0', '-e', 'signal=none', '-e', `trace=${calls}`, '-o', path]
}

export interface Verdict {
  /** What is not durable although somebody relies on it; empty where all is well. */
  readonly wrong: readonly string[]
  /** Files that came to their place by a rename from `tmp`. */
  readonly renamed: number
  /** How many syncs there were, of message files, of folders of messages, and of the ledger. */
  readonly files: number
  readonly folders: number
  readonly ledger: number
}

export interface Places {
  /** Where messages go. */
  readonly target: string
  readonly ledger?: string
}

/**
 * Reads what a program did with its files, in the order in which it did it. A message file has to be synced before its
 * rename, and before each sync of the ledger both the folders in which files were renamed and the files that were
 * appended to. Without a ledger the same is asked at the end.
 */
export function judge(trace: string, places: Places): Verdict {
  const disk = new Disk(places)
  for (const step of steps(trace)) {
    if (step.call === 'fsync' || step.call === 'fdatasync') disk.sync(step)
    else if (step.call.startsWith('rename')) disk.rename(step)
    else if (step.isEnd) disk.write(step)
  }
  return disk.verdict()
}

class Disk {
  readonly #target: string
  readonly #ledger: string | undefined
  /** At which step a file or a folder was changed last, and at which its last good sync began. */
  readonly #changed = new Map<string, number>()
  readonly #synced = new Map<string, number>()
  readonly #folders = new Set<string>()
  readonly #wrong = new Set<string>()
  readonly #count = { renamed: 0, files: 0, folders: 0, ledger: 0 }

  constructor({ target, ledger }: Places) {
    this.#target = target
    this.#ledger = ledger
  }

  sync({ paths: [path = ''], isEnd, began }: Step): void {
    if (!isEnd) {
      if (path === this.#ledger) this.#requireSynced('when the ledger is')
      return
    }
    this.#synced.set(path, began)
    if (path === this.#ledger) this.#count.ledger++
    else if (this.#folders.has(path)) this.#count.folders++
    else if (this.#isMessage(path)) this.#count.files++
  }

  rename({ paths: [from = '', to = ''], isEnd, at }: Step): void {
    if (!this.#isMessage(to) || basename(dirname(from)) !== 'tmp') return
    if (!isEnd) {
      if (!this.#synced.has(from) || this.#stale(from)) this.#wrong.add(`${from} is renamed before it is synced`)
      return
    }
    this.#count.renamed++
    this.#folders.add(dirname(to))
    this.#changed.set(dirname(to), at)
  }

  write({ paths: [path = ''], at }: Step): void {
    this.#changed.set(path, at)
  }

  verdict(): Verdict {
    this.#requireSynced('at the end')
    const ledger = this.#ledger
    if (ledger !== undefined && (this.#stale(ledger) || !this.#synced.has(ledger))) {
      this.#wrong.add('the ledger is not synced at the end')
    }
    return { wrong: [...this.#wrong], ...this.#count }
  }

  #stale(path: string): boolean {
    return (this.#changed.get(path) ?? -1) > (this.#synced.get(path) ?? -1)
  }

  /** Or a folder of messages; locks may be lost. */
  #isMessage(path: string): boolean {
    return path.startsWith(`${this.#target}/`) && !/\.lock\b/.test(path)
  }

  #requireSynced(when: string): void {
    for (const path of this.#changed.keys()) {
      const isInPlace = this.#isMessage(path) && basename(dirname(path)) !== 'tmp'
      if (isInPlace && this.#stale(path)) this.#wrong.add(`${path} is not synced ${when}`)
    }
  }
}

/** A call begins, and later it ends well: what comes in between may be done before or after it. */
interface Step {
  readonly call: string
  readonly paths: readonly string[]
  readonly isEnd: boolean
  readonly began: number
  readonly at: number
}

function* steps(trace: string): Iterable<Step> {
  const underWay = new Map<string, Step>()
  for (const [at, line] of trace.split('\n').entries()) {
    const [, thread = '', call = '', rest = ''] = /^(\d+) +(?:<\.\.\. )?(\w+)(.*)$/.exec(line) ?? []
    const failed = rest.includes(' = -1 ')
    if (rest.startsWith('(')) {
      const step = { call, paths: pathsIn(rest), isEnd: false, began: at, at }
      yield step
      if (rest.endsWith('<unfinished ...>')) underWay.set(thread, step)
      else if (!failed) yield { ...step, isEnd: true }
    } else if (rest.startsWith(' resumed>')) {
      const step = underWay.get(thread)
      if (step && !failed) yield { ...step, isEnd: true, at }
    }
  }
}

/** Of the descriptor, or of the names. */
function pathsIn(rest: string): readonly string[] {
  const [, descriptor] = /^\(\d+<([^>]*)>/.exec(rest) ?? []
  return descriptor === undefined ? Array.from(rest.matchAll(/"([^"]*)"/g), ([, path = '']) => path) : [descriptor]
}
