import type { Kinds } from './ports/kind.js'
import { pop3 } from './sources/pop3.js'
import { emlZip } from './targets/eml-zip.js'
import { imap } from './targets/imap.js'
import { maildir } from './targets/maildir.js'
import { mbox } from './targets/mbox.js'

/** Every source and target there is: a new adapter is one file and one line here. */
export const kinds: Kinds = {
  sources: [pop3],
  targets: [maildir, mbox, emlZip, imap],
}
