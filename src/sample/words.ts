import type { Person } from './draft.js'
import type { Random } from './random.js'

/** The people of a small harbour and its island. */
export const people: readonly [Person, ...Person[]] = [
  { name: 'Ada Lindqvist', address: 'ada@harbour.example' },
  { name: 'Captain Bruno', address: 'bruno@harbour.example' },
  { name: 'Chiyo Tanabe', address: 'chiyo@island.example' },
  { name: 'Dorotea Vargas', address: 'dorotea@island.example' },
  { name: 'Emil Østergård', address: 'emil@lighthouse.example' },
  { name: 'Fatou Ndiaye', address: 'fatou@bakery.example' },
  { name: 'Gus the Ticket Machine', address: 'gus@harbour.example' },
  { name: 'Hana Novák', address: 'hana@library.example' },
  { name: 'Ivo Petrov', address: 'ivo@weather.example' },
  { name: 'Jun, Lost Property', address: 'jun@harbour.example' },
]

/** Whose maildrop it is. */
export const owner: Person = { name: 'Sam Sample', address: 'sample@island.example' }

/** Fills `{kind}` with a word of that kind until nothing is left to fill. */
export function fill(template: string, random: Random): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (hole, kind: string) => {
    const list = words.get(kind)
    return list ? random.pick(list) : hole
  })
  return filled === template ? filled : fill(filled, random)
}

const words: ReadonlyMap<string, readonly [string, ...string[]]> = new Map([
  ['thing', ['umbrella', 'accordion', 'left boot', 'wheel of cheese', 'glass eye', 'kite', 'tuba', 'cactus', 'wedding cake']],
  ['animal', ['gull', 'goat', 'seal', 'parrot', 'hedgehog', 'cat', 'very small horse', 'heron']],
  ['manner', ['politely', 'twice', 'at length', 'in verse', 'without a ticket', 'backwards', 'with great dignity']],
  ['place', ['pier two', 'the upper deck', 'the engine room', 'the lighthouse', 'the bakery', 'the old customs house', 'the car deck']],
  ['time', ['at dawn', 'shortly before noon', 'on the 17:40', 'during the fog signal', 'last Tuesday', 'while nobody was looking']],
  ['person', ['the captain', 'the postmaster', 'a retired diver', 'the weather service', 'my aunt', 'the harbour choir', 'the ticket machine']],
  ['food', ['cinnamon buns', 'herring', 'plum soup', 'burnt toast', 'seaweed crackers', 'lemon cake']],
  ['verb', ['borrowed', 'painted', 'returned', 'misplaced', 'repaired', 'admired', 'counted']],
  ['weather', ['light fog', 'a stiff north-westerly', 'drizzle, later drizzle', 'unreasonable sunshine', 'snow from below']],
  ['event', ['the {animal} count', 'choir practice', 'the annual rope inspection', 'the {food} contest', 'the reading of the timetable']],
  ['fact', [
    'A {animal} was seen at {place} {time}; it behaved {manner}.',
    'Somebody {verb} the {thing} that {person} left at {place}.',
    'The forecast is {weather}, so please bring a {thing}.',
    'We still have {food} left over from {event}.',
    '{person} says it was not the {animal}, and the {thing} agrees.',
    'If you find a {thing}, do not feed it to the {animal}.',
  ]],
  ['wish', ['Yours until the tide turns', 'With salty regards', 'In haste, the horn just blew', 'Warmly', 'Mind the gap']],
]) // prettier-ignore

/** Capital letters where sentences begin. */
export function sentence(template: string, random: Random): string {
  return fill(template, random).replaceAll(/(?:^|[.?] )[a-z]/g, (start) => start.toUpperCase())
}

/** Lines of at most 72 characters, each with its CRLF. */
export function wrapped(text: string): string {
  return text.replaceAll(/(.{1,72})(?: |$)/gm, '$1\r\n')
}
