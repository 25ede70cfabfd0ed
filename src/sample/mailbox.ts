import { createHash } from 'node:crypto'
import { lettersWithAttachments, newsletters } from './attachments.js'
import { languages } from './languages.js'
import { compose, type Draft } from './draft.js'
import { letters, threads } from './letters.js'
import { memoryMessage, type SampleMessage } from './message.js'
import { oddities } from './oddities.js'
import { Random } from './random.js'
import { owner, people } from './words.js'

/** The 300 messages of the sample mailbox in the order of arrival, from 1998 to 2026; always the same ones. */
export function sampleMailbox(): readonly SampleMessage[] {
  const random = new Random(1939)
  const drafts: Draft[] = [
    first(),
    ...languages(),
    ...oddities(random),
    ...threads(random, 16, 5),
    ...lettersWithAttachments(random, 32),
    ...newsletters(random, 16),
    last(),
  ]
  drafts.push(...letters(random, messageCount - drafts.length))
  // Stable: what arrived together keeps its order.
  drafts.sort((a, b) => a.at.getTime() - b.at.getTime())
  return drafts.map(({ bytes }, index) => memoryMessage(uniqueId(bytes, index), bytes))
}

function first(): Draft {
  const body =
    'Dear Sam,\r\n\r\nthis is the first electronic letter that ever left the harbour.\r\nDid it get wet?\r\n\r\nAda\r\n'
  return compose({ from: people[0], to: owner, subject: 'Hello?', at: new Date('1998-01-05T08:00:00Z'), body })
}

function last(): Draft {
  const body = 'Dear Sam,\r\n\r\nyou have reached the end of the mailbox. Mind the gap.\r\n\r\nAda\r\n'
  return compose({ from: people[0], to: owner, subject: 'Last boat', at: new Date('2026-01-02T17:40:00Z'), body })
}

function uniqueId(bytes: Buffer, index: number): string {
  return `${String(index + 1).padStart(4, '0')}.${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`
}

const messageCount = 300
