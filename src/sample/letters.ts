import { compose, messageId, type Draft, type Person } from './draft.js'
import type { Random } from './random.js'
import { fill, owner, people, sentence, wrapped } from './words.js'

/** Short plain letters. */
export function* letters(random: Random, count: number): Generator<Draft> {
  for (let i = 0; i < count; i++) {
    const from = random.pick(people)
    const subject = sentence(random.pick(subjects), random)
    yield compose({ from, to: owner, subject, at: random.moment(1998, 2025), body: letterBody(random, from) })
  }
}

/** Conversations on the mailing list: each a first message and replies that quote it. */
export function* threads(random: Random, count: number, length: number): Generator<Draft> {
  for (let thread = 0; thread < count; thread++) {
    const subject = sentence(random.pick(subjects), random)
    let at = random.moment(2001, 2025)
    let quote = ''
    const references: string[] = []
    for (let i = 0; i < length; i++) {
      const from = random.pick(people)
      const full = `${i === 0 ? '' : 'Re: '}[ferry-friends] ${subject}`
      const answer = sentence(i === 0 ? '{fact} What do you think?' : random.pick(answers), random)
      const body = `${quote}${wrapped(answer)}${footer}`
      yield compose({ from, to: list, subject: full, at, body, headers: listHeaders(references) })
      references.push(messageId({ from, subject: full, at }))
      quote = `${from.name} wrote:\r\n${wrapped(answer).replaceAll(/^(?=.)/gm, '> ')}\r\n`
      at = new Date(at.getTime() + (60 + random.below(100_000)) * 1000)
    }
  }
}

export function letterBody(random: Random, from: Person): string {
  const facts = Array.from({ length: 1 + random.below(4) }, () => wrapped(sentence('{fact}', random)))
  return `${random.pick(openings)}\r\n\r\n${facts.join('\r\n')}\r\n${fill('{wish}', random)},\r\n${from.name}\r\n`
}

function listHeaders(references: readonly string[]): readonly string[] {
  const parent = references.at(-1)
  return [
    'List-Id: Friends of the ferry <ferry-friends.lists.harbour.example>',
    'List-Post: <mailto:ferry-friends@lists.harbour.example>',
    'Precedence: list',
    ...(parent === undefined ? [] : [`In-Reply-To: ${parent}`, `References: ${references.join('\r\n ')}`]),
  ]
}

const list: Person = { name: 'Friends of the ferry', address: 'ferry-friends@lists.harbour.example' }
const footer = '-- \r\nFriends of the ferry: we wave at boats since 2001\r\n'

const openings = ['Dear Sam,', 'Ahoy,', 'Hello again,', 'To whom it may interest,', 'Sam!'] as const

const subjects = [
  'Your {thing} has been found',
  'About the {animal} at {place}',
  '{event} is postponed ({weather})',
  'Timetable change: the 17:40 leaves {time}',
  'Recipe for {food}, as promised',
  'Who {verb} my {thing}?',
  'Invitation to {event}',
  'Complaint No. 7 concerning a {animal}',
  'Receipt for one {thing}',
  'Weather: {weather}',
  'Minutes of {event}',
] as const

const answers = [
  '{fact}',
  'I disagree {manner}. {fact}',
  'Has anyone asked {person}? {fact}',
  'This belongs on the {animal} list. {fact}',
  '+1, and I bring {food}.',
] as const
