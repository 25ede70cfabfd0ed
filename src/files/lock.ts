import { randomBytes } from 'node:crypto'
import { link, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../ports/fault.js'
import { diskFault, errorCode } from './durable.js'

/** A lock held by this process until released. */
export interface Lock extends AsyncDisposable {
  release(): Promise<void>
}

/** What the lock file tells others: JSON. */
interface Holder {
  readonly pid: number
  /** Which process had the pid, and since when: pids are used again (QUIRKS PRC-03). Empty where unknown. */
  readonly process: string
  readonly host: string
  readonly run: string
  readonly what: string
  readonly since: string
}

/**
 * Takes the lock file at `path`, whose folder must exist, or throws a Fault `held` that names the holder. The lock of a
 * process that is gone is taken over; one of another host never is.
 */
export async function takeLock(path: string, holder: { run: string; what: string }): Promise<Lock> {
  const mine: Holder = {
    pid: process.pid,
    process: await processIdentity(process.pid),
    host: hostname(),
    ...holder,
    since: new Date().toISOString(),
  }
  // Written beside and linked, so that nobody ever sees a lock without its holder.
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeSynced(draft, `${JSON.stringify(mine)}\n`)
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await tryLink(draft, path)) {
        await removeDrafts(path)
        return held(path)
      }
      await clearStale(path)
    }
  } catch (error) {
    throw diskFault(error, 'lock', path)
  } finally {
    await unlink(draft).catch(ignoreMissing)
  }
  throw new Fault('held', `${path} keeps changing hands`)
}

/** Removes what runs left that were killed between writing a draft and linking it. */
async function removeDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix) && draftEnd.test(name))
  for (const draft of names.map((name) => join(dirname(path), name))) {
    const holder = parse((await readFile(draft, 'utf8').catch(ignoreMissing)) ?? '')
    if (holder && !(await mayLive(holder))) await unlink(draft).catch(ignoreMissing)
  }
}

const draftEnd = /\.[0-9a-f]{12}$/

function held(path: string): Lock {
  let released: Promise<void> | undefined
  const release = async (): Promise<void> => {
    released ??= unlink(path).catch(ignoreMissing)
    await released
  }
  return { release, [Symbol.asyncDispose]: release }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function tryLink(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock of a dead process; throws `held` if its holder may be alive. */
async function clearStale(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing)
  if (text === undefined) return
  await requireDead(path, text)
  // Two runs may judge the same lock at once: what was moved away must be what was judged, or it goes back.
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  await rename(path, aside).catch(ignoreMissing)
  const moved = await readFile(aside, 'utf8').catch(ignoreMissing)
  if (moved !== undefined && moved !== text) await tryLink(aside, path)
  await unlink(aside).catch(ignoreMissing)
}

async function requireDead(path: string, text: string): Promise<void> {
  const holder = parse(text)
  if (!holder) {
    throw new Fault('held', `${path} is not a lock of popferry`, {
      hint: 'remove the file if you are sure that nothing uses the folder',
    })
  }
  const { pid, host, what, since } = holder
  if (await mayLive(holder)) {
    const hint = host === hostname() ? undefined : { hint: `if that run is gone, remove ${path}` }
    throw new Fault('held', `process ${pid} on ${host} holds ${what} since ${since}`, hint)
  }
}

async function mayLive({ pid, host, process }: Holder): Promise<boolean> {
  return host !== hostname() || (await processIdentity(pid)) === process
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
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    if (stat === undefined) return 'gone'
    // Field 22 is the start time in ticks since boot; the name before it may hold spaces and brackets.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
    return `${boot.trim()} ${started}`
  }
  try {
    process.kill(pid, 0)
    return 'alive'
  } catch (error) {
    return errorCode(error) === 'EPERM' ? 'alive' : 'gone'
  }
}

function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
}
