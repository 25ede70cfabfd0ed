import { createHash, randomBytes } from 'node:crypto'
import { link, lstat, open, readdir, readFile, readlink, unlink, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../ports/fault.js'
import { diskFault, errorCode, ignoreMissing } from './durable.js'

/** A lock held by this process until released. */
export interface Lock extends AsyncDisposable {
  /** Removes the lock file, unless it is another's by now. */
  release(): Promise<void>
  /** False once somebody took the lock file for stale, as after a long suspend. */
  isOurs(): Promise<boolean>
}

/** A lock file as it was seen, to know it again. */
export interface LockFile {
  readonly ino: number
  readonly mtimeMs: number
  /** Empty where it is no file, or not ours to read. */
  readonly text: string
}

/** What the lock file tells others: JSON. */
interface Holder {
  readonly pid: number
  /** Which process had the pid, and since when: pids are used again (QUIRKS PRC-03). Empty where unknown. */
  readonly process: string
  /** The PID namespace, the only place where the pid means anything. Empty where unknown; older locks lack it. */
  readonly space?: string
  readonly host: string
  readonly run: string
  readonly what: string
  readonly since: string
}

/**
 * Takes the lock file at `path`, whose folder must exist, or throws a Fault `held` that names the holder. The lock of a
 * process that is gone is taken over, and that of another container of this host once nothing was heard of it for two
 * minutes; one of another host never is.
 */
export async function takeLock(path: string, holder: { run: string; what: string }): Promise<Lock> {
  const mine: Holder = {
    pid: process.pid,
    process: await processIdentity(process.pid),
    space: await pidSpace(),
    host: hostname(),
    ...holder,
    since: new Date().toISOString(),
  }
  // Written beside and linked, so that nobody ever sees a lock without its holder.
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const text = `${JSON.stringify(mine)}\n`
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await tryCreate(path, draft, text)) {
        await removeDrafts(path)
        return held(path, text)
      }
      const seen = await seeLock(path)
      if (!seen) continue
      await requireDead(path, seen)
      await removeStale(path, seen, holder)
    }
  } catch (error) {
    throw diskFault(error, 'lock', path)
  }
  throw new Fault('held', `${path} keeps changing hands`)
}

/** Throws `held` where somebody else holds the lock at `path`; leaves it as it is. */
export async function requireFree(path: string): Promise<void> {
  try {
    const seen = await seeLock(path)
    if (seen) await requireDead(path, seen)
  } catch (error) {
    throw diskFault(error, 'read', path)
  }
}

/** What is at `path` now, if anything. */
export async function seeLock(path: string): Promise<LockFile | undefined> {
  const facts = await lstat(path).catch(ignoreMissing)
  if (!facts) return undefined
  const text = facts.isFile() ? await readFile(path, 'utf8').catch(ignoreUnreadable) : ''
  return text === undefined ? undefined : { ino: facts.ino, mtimeMs: facts.mtimeMs, text }
}

/**
 * Removes the lock file that was judged stale; false if another run is about to. The right to remove this very lock is
 * a lock itself: else the slower of two that judged it would remove what the faster one put there since.
 */
export async function removeStale(
  path: string,
  judged: LockFile,
  holder: { run: string; what: string },
): Promise<boolean> {
  const name = createHash('sha256').update(judged.text).digest('hex').slice(0, 16)
  await using right = await takeLock(`${path}.dead-${name}`, holder).catch(ignoreHeld)
  if (!right) return false
  const { ino, mtimeMs, text } = (await seeLock(path)) ?? {}
  if (ino === judged.ino && mtimeMs === judged.mtimeMs && text === judged.text) await unlink(path).catch(ignoreMissing)
  return true
}

/**
 * Removes what runs left that were killed between writing a draft and linking it, or while they removed a stale lock.
 * Only for the holder of `path`: the locks that such rights were for are gone then, so nobody can make use of one.
 */
async function removeDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix) && draftEnd.test(name))
  for (const draft of names.map((name) => join(dirname(path), name))) {
    const seen = await seeLock(draft)
    const holder = parse(seen?.text ?? '')
    // Whoever lives and misses a draft that was not written yet makes another one.
    const unwritten = seen?.text === ''
    if (seen && (unwritten || (holder && (await judge(holder, seen)) === 'gone')))
      await unlink(draft).catch(ignoreMissing)
  }
}

/** How often a holder shows that it lives, and after what silence it does not. */
const beatMs = 30_000
const silenceMs = 120_000

const draftEnd = /\.([0-9a-f]{12}|dead-[0-9a-f]{16})$/

function held(path: string, text: string): Lock {
  // By the text: inode numbers are used again at once, and some file systems invent them anew.
  const isOurs = async (): Promise<boolean> => (await seeLock(path))?.text === text
  const beat = setInterval(() => {
    const now = new Date()
    void utimes(path, now, now).catch(() => undefined)
  }, beatMs).unref()
  const remove = async (): Promise<void> => {
    clearInterval(beat)
    try {
      if (await isOurs()) await unlink(path).catch(ignoreMissing)
    } catch (error) {
      throw diskFault(error, 'remove', path)
    }
  }
  let released: Promise<void> | undefined
  const release = async (): Promise<void> => {
    released ??= remove()
    await released
  }
  return { release, isOurs, [Symbol.asyncDispose]: release }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    await unlink(path).catch(ignoreMissing)
    throw error
  } finally {
    await file.close()
  }
}

async function tryCreate(path: string, draft: string, text: string): Promise<boolean> {
  await writeSynced(draft, text)
  try {
    await link(draft, path).catch(async (error: unknown) => {
      if (!linkless.has(errorCode(error))) throw error
      // For an instant the lock is there without its holder: others take that for a lock that is not popferry's.
      await writeSynced(path, text)
    })
    return true
  } catch (error) {
    // Or a holder that has let go since took the unfinished draft for a dead one's.
    if (errorCode(error) === 'EEXIST' || errorCode(error) === 'ENOENT') return false
    throw error
  } finally {
    await unlink(draft).catch(ignoreMissing)
  }
}

/** How file systems say that they have no hard links: exFAT, SMB, some of FUSE. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Throws `held` if the holder may be alive. */
async function requireDead(path: string, seen: LockFile): Promise<void> {
  const holder = parse(seen.text)
  if (!holder) {
    throw new Fault('held', `${path} is not a lock of popferry`, {
      hint: 'remove the file if you are sure that nothing uses the folder',
    })
  }
  const verdict = await judge(holder, seen)
  if (verdict === 'gone') return
  const { pid, host, what, since } = holder
  const hint =
    verdict === 'unseen'
      ? {
          hint:
            host === hostname()
              ? 'if that run is gone, try again in two minutes'
              : `if that run is gone, remove ${path}`,
        }
      : undefined
  throw new Fault('held', `process ${pid} on ${host} holds ${what} since ${since}`, hint)
}

/** Whether the holder lives; `unseen` where that cannot be known from here. */
async function judge(
  { pid, host, process, space }: Holder,
  { mtimeMs }: LockFile,
): Promise<'lives' | 'unseen' | 'gone'> {
  if (host !== hostname()) return 'unseen'
  if (space !== undefined && space !== (await pidSpace())) {
    // Another container, maybe one that was started anew. No process outlives the system, though.
    const silent = Date.now() - mtimeMs > silenceMs
    return process.startsWith(await bootId()) && !silent ? 'unseen' : 'gone'
  }
  return (await processIdentity(pid)) === process ? 'lives' : 'gone'
}

function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'pid' in value && 'host' in value && 'process' in value
      ? (value as Holder)
      : undefined
  } catch {
    return undefined
  }
}

/** Differs between any two processes that ever had this pid; `gone` if there is none. */
async function processIdentity(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    if (stat === undefined) return 'gone'
    // Field 22 is the start time in ticks since boot; the name before it may hold spaces and brackets.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
    return `${await bootId()} ${started}`
  }
  try {
    process.kill(pid, 0)
    return 'alive'
  } catch (error) {
    return errorCode(error) === 'EPERM' ? 'alive' : 'gone'
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()
}

async function pidSpace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '')
}

function ignoreUnreadable(error: unknown): string | undefined {
  if (errorCode(error) === 'EACCES') return ''
  ignoreMissing(error)
  return undefined
}

function ignoreHeld(error: unknown): undefined {
  if (!(error instanceof Fault) || error.code !== 'held') throw error
}
