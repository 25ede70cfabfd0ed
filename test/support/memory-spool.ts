import type { Spool, SpoolFile } from '../../src/ports/spool.js'

/** Keeps spooled bytes in memory and counts the files that are still there. */
export class MemorySpool implements Spool {
  files = 0
  writes = 0

  create(): SpoolFile {
    this.files++
    const chunks: Uint8Array[] = []
    return {
      write: async (bytes) => {
        this.writes++
        chunks.push(Uint8Array.from(bytes))
      },
      open: async function* () {
        yield* chunks
      },
      remove: async () => {
        this.files--
      },
    }
  }
}
