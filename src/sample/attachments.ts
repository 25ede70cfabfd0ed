import { base64Lines, compose, encodedWord, shortId, type Draft } from './draft.js'
import { letterBody } from './letters.js'
import { onePagePdf } from './pdf.js'
import { picture } from './picture.js'
import type { Random } from './random.js'
import { fill, owner, people, sentence } from './words.js'

/** Letters with a picture, a ticket as PDF, a text, or all of these. */
export function* lettersWithAttachments(random: Random, count: number): Generator<Draft> {
  for (let i = 0; i < count; i++) {
    const from = random.pick(people)
    const at = random.moment(2000, 2025)
    const boundary = `=_${shortId(`boundary ${i}`)}`
    const kinds = [[paint], [ticket], [note], [paint, ticket, note]][i % 4] ?? []
    const parts = [`${plainPart}${letterBody(random, from)}`, ...kinds.map((make) => attachment(make(random)))]
    const body = [preamble, ...parts.map((part) => `--${boundary}\r\n${part}`), `--${boundary}--\r\n`].join('\r\n')
    const headers = ['MIME-Version: 1.0', `Content-Type: multipart/mixed; boundary="${boundary}"`]
    yield compose({ from, to: owner, subject: sentence(random.pick(subjects), random), at, headers, body })
  }
}

/** Newsletters: the same words as text and as a page. */
export function* newsletters(random: Random, count: number): Generator<Draft> {
  for (let i = 0; i < count; i++) {
    const from = random.pick(people)
    const boundary = `alternative-${shortId(`newsletter ${i}`)}`
    const title = `The Harbour Gazette, No. ${i + 1}`
    const facts = Array.from({ length: 4 }, () => sentence('{fact}', random))
    const page = `<h1>${title}</h1>\r\n<ul>\r\n${facts.map((fact) => `<li>${fact}</li>\r\n`).join('')}</ul>\r\n`
    const text = `${title}\r\n\r\n${facts.map((fact) => `* ${fact}\r\n`).join('')}`
    const html = `<!doctype html>\r\n<title>${title}</title>\r\n${page}`
    const parts = [`${plainPart}${text}`, `Content-Type: text/html; charset=us-ascii\r\n\r\n${html}`]
    const body = [...parts.map((part) => `--${boundary}\r\n${part}`), `--${boundary}--\r\n`].join('\r\n')
    const headers = ['MIME-Version: 1.0', `Content-Type: multipart/alternative; boundary="${boundary}"`]
    yield compose({ from, to: owner, subject: title, at: random.moment(2005 + i, 2005 + i), headers, body })
  }
}

interface Attachment {
  readonly type: string
  readonly name: string
  readonly bytes: Buffer
}

function paint(random: Random): Attachment {
  return { type: 'image/png', name: `painting-${random.below(1000)}.png`, bytes: picture(random) }
}

function ticket(random: Random): Attachment {
  const line = fill('Day ticket for one passenger and one {thing}', random)
  return { type: 'application/pdf', name: '切符.pdf', bytes: onePagePdf(line) }
}

function note(random: Random): Attachment {
  const text = Array.from({ length: 5 }, (_, i) => `${i + 1}. ${sentence('{fact}', random)}\r\n`).join('')
  return { type: 'text/plain', name: 'things to remember.txt', bytes: Buffer.from(text) }
}

function attachment({ type, name, bytes }: Attachment): string {
  const shown = /^[ -~]*$/.test(name) ? name : encodedWord('utf-8', Buffer.from(name))
  const head = [
    `Content-Type: ${type}; name="${shown}"`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${base64Lines(bytes)}`
}

const plainPart = 'Content-Type: text/plain; charset=us-ascii\r\n\r\n'
const preamble = 'This is a message in several parts.\r\n'

const subjects = [
  'A painting of the {animal}, as seen by the {animal}',
  'Ticket and {thing}',
  'Please find the {thing} attached',
  'Pictures from {event}',
] as const
