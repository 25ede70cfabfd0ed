import { compose, draft, rfc5322Date } from '../../src/sample/draft.js'
import { sampleMailbox } from '../../src/sample/mailbox.js'
import { Random } from '../../src/sample/random.js'
import { fill, owner, people, sentence } from '../../src/sample/words.js'

/**
 * Mail as a maildrop of many years holds it, always the same for one seed: the sample mailbox with its oddities first,
 * then messages from 200 octets to 20 MB, most of them small. One in fifty comes twice.
 */
export function* realisticMail(count: number, seed: number): Generator<Buffer> {
  const random = new Random(seed)
  let left = count
  for (const message of sampleMailbox()) if (left-- > 0) yield Buffer.concat([...(message.open() as Iterable<Buffer>)])
  for (let index = 0; left > 0; index++) {
    const bytes = letter(random, index, index === 0 ? least : index === 1 ? most : longTailed(random))
    for (let copy = 0; copy <= (index % 50 === 49 ? 1 : 0) && left > 0; copy++, left--) yield bytes
  }
}

/** Half are below 500 octets, one in a hundred is above 60 KB. */
function longTailed(random: Random): number {
  return Math.min(most, Math.round(least / (1 - random.next()) ** 1.25))
}

function letter(random: Random, index: number, size: number): Buffer {
  const at = random.moment(1998, 2025)
  const subject = `${index}: ${sentence('{fact}', random)}`
  const block = paragraphs[index % paragraphs.length] ?? plain
  const { bytes: head } =
    size < 1000
      ? draft(at, [`Subject: ${index}`, `Date: ${rfc5322Date(at)}`], '')
      : compose({ from: random.pick(people), to: owner, subject, at, body: '' })
  return Buffer.concat([head, text(random, block, Math.max(0, size - head.length))])
}

/** Paragraphs up to a size; a long text repeats its first 64 KB with a number each time. */
function text(random: Random, paragraph: Paragraph, size: number): Buffer {
  const parts: Buffer[] = []
  let length = 0
  const add = (bytes: Buffer): void => {
    parts.push(bytes)
    length += bytes.length
  }
  while (length < Math.min(size, 65_536)) add(paragraph(random))
  const chapter = Buffer.concat(parts)
  for (let number = 2; length < size; number++) add(Buffer.concat([Buffer.from(`Chapter ${number}\r\n`), chapter]))
  const whole = Buffer.concat(parts)
  // A text that is cut has no line end behind its last word.
  return random.below(10) === 0 ? whole.subarray(0, size) : whole
}

type Paragraph = (random: Random) => Buffer

const plain: Paragraph = (random) => Buffer.from(`${sentence('{fact}', random)}\r\n`)

const paragraphs: readonly Paragraph[] = [
  plain,
  plain,
  plain,
  (random) => Buffer.from(`Ærlig talt: ${fill('{fact}', random)} ¿Verdad? Так точно.\r\n`),
  (random) => Buffer.from(`Caf\xe9 \xa0 na\xefve \xff ${fill('{thing}', random)}\r\n`, 'latin1'),
  (random) => Buffer.from(`\x1b$B%U%'%j!<\x1b(B ${fill('{thing}', random)}\r\n`, 'latin1'),
  (random) => Buffer.from(`From ${fill('{place}', random)}\r\n>From here\r\n\r\nFrom there\r\n>>From both\r\n`),
  (random) => Buffer.from(`.\r\n..\r\n...\r\n.${fill('{animal}', random)}\r\n. \r\n\r\n.\r\n`),
  (random) => Buffer.from(`one\ntwo ${fill('{food}', random)}\n.\nFrom three\n`),
  (random) => Buffer.from(`one\rtwo\r\r\nthree ${fill('{verb}', random)}\r\n`),
  (random) => Buffer.from(Uint8Array.from({ length: 100 }, () => random.below(256))),
  (random) => Buffer.from(`${noise(random, 57).toString('base64')}\r\n`),
  (random) => Buffer.from(`${'-'.repeat(random.below(3000))} ${fill('{wish}', random)}\r\n\r\n\r\n`),
]

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)))
}

const least = 200
const most = 20_000_000
