import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { ignoreMissing, syncDirectory } from '../files/durable.js'
import { Fault } from '../ports/fault.js'

/*
 * SQLite does not see that a disk has changed a byte of what it keeps, and one of a UIDL is a message copied again. So
 * whoever has worked in a ledger leaves its digest beside it, as `sha256sum --check` reads it; whoever works in it next
 * compares them, and removes the digest for as long as he works: after a kill there is none (QUIRKS FS-11).
 */

/** Whether the ledger is what whoever worked in it last has left; false where nobody knows. */
export async function isSealed(file: string): Promise<boolean> {
  const path = sealOf(file)
  const sealed = await readFile(path, 'latin1').catch(ignoreMissing)
  if (sealed === undefined) return false
  if (sealed === (await sealText(file))) return true
  // Somebody has begun to work in it since.
  if (sealed !== (await readFile(path, 'latin1').catch(ignoreMissing))) return false
  throw new Fault(
    'ledger-damaged',
    `${file} is not what the last run has left (${path}): a disk or a program changed it`,
    {
      hint: `restore both from a backup; or, if you have put this ledger there on purpose, remove ${path}`,
    },
  )
}

/** For whoever holds the lock of the state, before anything of the ledger changes. */
export async function breakSeal(file: string): Promise<void> {
  const path = sealOf(file)
  if ((await stat(path).catch(ignoreMissing)) === undefined) return
  await rm(path)
  await syncDirectory(dirname(path))
}

/** Leaves the digest of a closed ledger, all or nothing; none where SQLite has not finished with it. */
export async function seal(file: string): Promise<void> {
  const path = sealOf(file)
  const draft = `${path}.new`
  try {
    const journal = await stat(`${file}-journal`).catch(ignoreMissing)
    if (journal && journal.size > 0) return
    const text = await sealText(file)
    await rm(draft, { force: true })
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, path)
  } catch {
    // A full disk, say. The ledger is as good without.
    await rm(draft, { force: true }).catch(() => undefined)
  }
}

async function sealText(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer)
  return `${hash.digest('hex')}  ${basename(file)}\n`
}

function sealOf(file: string): string {
  return file.replace(/\.db$/, '.sha256')
}
