/**
 * The start of a message, its header block at least, without the header lines in which mail readers keep their notes in an
 * mbox; undefined where there are none. Works on the stored form, whatever its line ends.
 */
export function withoutReaderLines(start: Buffer): Buffer | undefined {
  const kept: Buffer[] = []
  let found = false
  let noted = false
  let at = 0
  while (at < start.length) {
    const newline = start.indexOf(lf, at)
    const end = newline < 0 ? start.length : newline + 1
    const line = start.toString('latin1', at, Math.min(end, at + longestName))
    if (/^\r?\n/.test(line)) break
    // A folded line belongs to the one before.
    if (!/^[ \t]/.test(line)) noted = notes.test(line)
    if (noted) found = true
    else kept.push(start.subarray(at, end))
    at = end
  }
  return found ? Buffer.concat([...kept, start.subarray(at)]) : undefined
}

/** What Alpine, Dovecot, Mutt, Mozilla and Evolution write; Content-Length and Lines are Mutt's. */
const notes =
  /^(?:Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|X-Mozilla-Status2?|X-Mozilla-Keys|X-Evolution|Content-Length|Lines):/i

const longestName = 40
const lf = 0x0a
