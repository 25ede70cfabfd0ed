import { randomBytes } from 'node:crypto'
import { lstat, readdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../ports/clock.js'
import { createStreamedFile, privateMode } from './create-file.js'
import { ignoreMissing, syncDirectory } from './durable.js'

/**
 * Writes a file as a whole: at its place there is what was there before, or all of the new one, durable; never a part.
 * It is private unless the one that it replaces was not; links are replaced, never followed (QUIRKS FS-10).
 */
export async function replaceFile(
  place: string,
  chunks: AsyncIterable<Uint8Array>,
  clock: Pick<Clock, 'now'>,
): Promise<void> {
  const folder = dirname(place)
  const now = clock.now()
  const before = await lstat(place).catch(ignoreMissing)
  const replaced = before?.isFile() === true ? before : undefined
  const mode = replaced ? replaced.mode & 0o777 : privateMode
  const owner = replaced && process.getuid?.() === 0 ? { uid: replaced.uid, gid: replaced.gid } : undefined
  await removeDrafts(folder, now)
  const draft = join(folder, `.popferry-${randomBytes(8).toString('hex')}.draft`)
  await createStreamedFile({ draft, place, mode, mtime: now, owner }, chunks)
  await syncDirectory(folder)
}

const pattern = /^\.popferry-[0-9a-f]{16}\.(?:draft|scratch)$/
const abandonedAfterMs = 24 * 60 * 60 * 1000

/** What killed processes left, once it is old enough to be nobody's any more. */
async function removeDrafts(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!pattern.test(name)) continue
    const path = join(folder, name)
    const facts = await lstat(path).catch(ignoreMissing)
    if (facts?.isFile() === true && now - facts.mtimeMs > abandonedAfterMs) await unlink(path).catch(ignoreMissing)
  }
}
