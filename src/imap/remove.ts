import type { Dialogue } from './dialogue.js'

/** Removes messages of the selected mailbox, these and no others (RFC 4315 §2.1). False where the server refuses. */
export async function removeByUid(dialogue: Dialogue, uids: readonly number[]): Promise<boolean> {
  const set = uids.join(',')
  dialogue.wire.connection.phase = 'UID STORE'
  const marked = await dialogue.run([`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`])
  if (!marked.ok) return false
  dialogue.wire.connection.phase = 'UID EXPUNGE'
  return (await dialogue.run([`UID EXPUNGE ${set}`])).ok
}
