/**
 * Names and passwords as SCRAM hashes them (SASLprep, RFC 4013 §2.1 and §2.2): odd blanks become blanks, invisible
 * characters go, the rest is NFKC. Prohibited characters and mixed directions are let pass: a server that follows the
 * standard has no such password, and one that does not wants it as it is.
 */
export function saslprep(text: string): string {
  return text.replaceAll(blanks, ' ').replaceAll(invisible, '').normalize('NFKC')
}

/** RFC 3454 C.1.2. */
const blanks = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g
/** RFC 3454 B.1. */
const invisible = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g
