import { dirname } from 'node:path'
import { lstat } from 'node:fs/promises'
import { errorCode } from '../files/durable.js'
import { freeSpace } from '../files/free-space.js'
import { Fault } from '../ports/fault.js'

/**
 * Whether there is room for one more message in the staging, and for the volumes that all of them will become: better
 * to stop before a disk is full than in the middle of a volume. Counted anew after each commit.
 */
export class Room {
  readonly #staging: string
  readonly #volumes: string
  #free: { staging: number; volumes: number; readonly shared: boolean } | undefined

  constructor(staging: string, volumes: string) {
    this.#staging = staging
    this.#volumes = volumes
  }

  /** Others use the disks as well: what was counted holds for one batch. */
  recount(): void {
    this.#free = undefined
  }

  /** Throws `disk-full` where the message does not fit; `waiting` octets are for volumes already. */
  async take(size: number, waiting: number): Promise<void> {
    const free = (this.#free ??= await count(this.#staging, this.#volumes))
    const staging = size + (free.shared ? waiting + size : 0)
    requireSpace(this.#staging, free.staging, staging)
    requireSpace(this.#volumes, free.volumes, waiting + size)
    free.staging -= size
    if (free.shared) free.volumes -= size
  }
}

/** Throws `disk-full` where so many octets do not fit. */
export async function requireRoom(path: string, octets: number): Promise<void> {
  requireSpace(path, await freeSpace(path), octets)
}

function requireSpace(path: string, free: number, octets: number): void {
  if (free >= octets + reserve) return
  throw new Fault('disk-full', `the disk of ${path} has ${free} bytes left and ${octets + reserve} may be needed`)
}

/** For the ledger, directories, and what a zip file adds to its messages. */
const reserve = 1024 * 1024

async function count(
  staging: string,
  volumes: string,
): Promise<{ staging: number; volumes: number; readonly shared: boolean }> {
  const shared = (await deviceOf(staging)) === (await deviceOf(volumes))
  return { staging: await freeSpace(staging), volumes: await freeSpace(volumes), shared }
}

async function deviceOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).dev
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    return deviceOf(dirname(path))
  }
}
