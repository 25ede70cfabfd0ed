import { chown, readFile } from 'node:fs/promises'
import { Fault } from '../ports/fault.js'
import { makeDirectory } from './durable.js'

/** Numeric ids for chown. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * `user:group`, names or numbers, as ids; undefined where this process is not root and could not give files away.
 * Names are looked up in /etc/passwd and /etc/group.
 */
export async function resolveOwner(owner: string | undefined): Promise<Owner | undefined> {
  if (owner === undefined || process.getuid?.() !== 0) return undefined
  const [user = '', group = ''] = owner.split(':')
  return { uid: await idOf(user, '/etc/passwd'), gid: await idOf(group, '/etc/group') }
}

/** Creates a folder and its missing parents, 0700; all that it creates belong to the owner. */
export async function makeOwnedDirectory(path: string, owner: Owner | undefined): Promise<void> {
  for (const created of await makeDirectory(path, 0o700)) if (owner) await chown(created, owner.uid, owner.gid)
}

async function idOf(name: string, table: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name)
  for (const line of (await readFile(table, 'utf8')).split('\n')) {
    const [entry, , id] = line.split(':')
    if (entry === name && id !== undefined) return Number(id)
  }
  throw new Fault('not-writable', `there is no "${name}" in ${table}`, { hint: 'check `owner` in the plan' })
}
