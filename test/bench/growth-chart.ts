/** One amount, and what it cost. */
export interface Point {
  readonly label: string
  /** For one message or one MB. */
  readonly time: number
  /** MiB. */
  readonly peak: number
  /** For all of it. */
  readonly seconds: number
}

export interface Panel {
  readonly title: string
  readonly timeUnit: string
  readonly points: readonly Point[]
}

const width = 300
const height = 190
const left = 44
const right = 12
const top = 34
const bottom = 30

/**
 * A column for each panel: time above, memory below. Both begin at zero, so that what is flat looks flat, unless the
 * values are too far apart to be seen beside each other.
 */
export function chart(panels: readonly Panel[]): string {
  const plots = panels.flatMap(({ title, timeUnit, points }, column) => [
    plot(
      column * width,
      0,
      `${timeUnit} · ${title}`,
      points.map(({ label, time }) => [label, time]),
    ),
    plot(
      column * width,
      height,
      `MiB at most · ${title}`,
      points.map(({ label, peak }) => [label, peak]),
    ),
  ])
  const size = `width="${panels.length * width}" height="${2 * height}"`
  const view = `viewBox="0 0 ${panels.length * width} ${2 * height}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${view} font-family="sans-serif" font-size="11">
<title>What a message or a MB costs as the amount grows</title>
<rect width="100%" height="100%" fill="#fff"/>
${plots.join('\n')}
</svg>
`
}

function plot(x: number, y: number, title: string, values: readonly (readonly [string, number])[]): string {
  const all = values.map(([, value]) => value)
  const { name, ticks, share } = Math.max(...all) > 20 * Math.min(...all) ? logarithmic(all) : linear(all)
  const across = (index: number): string => (left + ((width - left - right) * (index + 0.5)) / values.length).toFixed(1)
  const up = (value: number): string => (height - bottom - (height - top - bottom) * share(value)).toFixed(1)
  const grid = ticks.map(
    (value) =>
      `<path d="M${left} ${up(value)}H${width - right}" stroke="#ddd"/><text x="${left - 6}" y="${up(value)}" dy="4" text-anchor="end" fill="#555">${Number(value.toPrecision(3))}</text>`,
  )
  const marks = values.map(
    ([label, value], index) =>
      `<circle cx="${across(index)}" cy="${up(value)}" r="3" fill="#0b5cad"/><text x="${across(index)}" y="${height - bottom + 16}" text-anchor="middle" fill="#555">${label}</text>`,
  )
  const line = values.map(([, value], index) => `${across(index)},${up(value)}`).join(' ')
  return `<g transform="translate(${x} ${y})">
<text x="${left}" y="18" fill="#222">${title}${name}</text>
${[...grid, `<polyline points="${line}" fill="none" stroke="#0b5cad" stroke-width="2"/>`, ...marks].join('\n')}
</g>`
}

interface Scale {
  readonly name: string
  readonly ticks: readonly number[]
  /** How far up a value stands, from 0 to 1. */
  readonly share: (value: number) => number
}

function linear(values: readonly number[]): Scale {
  const most = roundUp(Math.max(...values))
  return { name: '', ticks: [0, most / 2, most], share: (value) => value / most }
}

function logarithmic(values: readonly number[]): Scale {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.ceil(Math.log10(Math.max(...values)))
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
  return { name: ' (logarithmic)', ticks, share: (value) => (Math.log10(value) - first) / (last - first) }
}

/** To 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 5].find((step) => step * power >= value) ?? 10)
}
