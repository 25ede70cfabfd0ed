import { bytesText, countText } from '../ports/figures.js'
import type { Sum, Throughput, Years } from '../ports/report.js'
import { timeText } from './report-text.js'

/** What was copied over time; every bar says what it is. Drawn without a script, in the colours of the page. */
export function throughputChart({ from, widthMs, bins }: Throughput): string {
  const unit = unitOf(widthMs)
  const highest = Math.max(...bins.map(({ bytes }) => bytes))
  const bars = bins.map((bin, index): Bar => {
    const start = timeText(from + index * widthMs, widthMs)
    return { value: bin.bytes, title: `${start}: ${sumText(bin)} in ${unit.one}` }
  })
  const last = from + (bins.length - 1) * widthMs
  const times = [...new Set([timeText(from, widthMs), timeText(last, widthMs)])]
  // A few bars do not reach the other end.
  const ends = bins.length < fewest ? [times.join(' to ')] : times
  const ticks = ends.map((text) => `<li>${text}</li>`).join('')
  return figure({
    caption: 'Copied over time',
    remark: `at most ${bytesText(highest)} per ${unit.per}`,
    bars,
    label: `Octets copied per ${unit.per} from ${timeText(from, widthMs)} to ${timeText(last, widthMs)}`,
    below: `<ol class="ticks ends">${ticks}</ol>`,
  })
}

/** How many messages are of which year. */
export function yearsChart({ years, undated, unknown }: Years): string {
  const highest = Math.max(...years.map(({ messages }) => messages))
  const bars = years.map(({ year, ...sum }): Bar => ({ value: sum.messages, title: `${year}: ${sumText(sum)}` }))
  const step = Math.ceil(years.length / mostLabels)
  const slots = [...years.map(({ year }) => year), ...Array<string>(Math.max(0, fewest - years.length)).fill('')]
  const ticks = slots.map((year, index) => `<li>${index % step === 0 ? year : ''}</li>`).join('')
  const others = [
    ...(undated.messages > 0 ? [`${countText(undated.messages, 'message')} without a usable date`] : []),
    ...(unknown.messages > 0 ? [`${countText(unknown.messages, 'message')} whose date was not recorded`] : []),
  ]
  return figure({
    caption: 'Messages by year',
    remark: years.length === 0 ? '' : `at most ${countText(highest, 'message')} in one year`,
    bars,
    label: `Messages per year${years.length === 0 ? '' : ` from ${years[0]?.year ?? ''} to ${years.at(-1)?.year ?? ''}`}`,
    below: `<ol class="ticks">${ticks}</ol>${others.length === 0 ? '' : `<p>Besides: ${others.join(', ')}.</p>`}`,
  })
}

const mostLabels = 12

interface Bar {
  readonly value: number
  readonly title: string
}

interface Figure {
  readonly caption: string
  readonly remark: string
  readonly bars: readonly Bar[]
  /** What it shows, for who does not see it. */
  readonly label: string
  readonly below: string
}

/** No text in it is from outside. */
function figure({ caption, remark, bars, label, below }: Figure): string {
  const highest = Math.max(1, ...bars.map(({ value }) => value))
  const width = Math.max(bars.length, fewest)
  const drawn = bars.map(({ value, title }, index) => {
    // What is there at all can be seen.
    const height = value === 0 ? 0 : Math.max(0.7, (value / highest) * 100)
    const place = `x="${index + 0.1}" y="${(100 - height).toFixed(2)}" width=".8" height="${height.toFixed(2)}"`
    return `<rect ${place}><title>${title}</title></rect>`
  })
  return `<figure>
<figcaption>${caption} <small>${remark}</small></figcaption>
<svg role="img" aria-label="${label}" viewBox="0 0 ${width} 100" preserveAspectRatio="none">${drawn.join('')}</svg>
${below}
</figure>
`
}

/** A bar alone does not fill the whole width. */
const fewest = 12

function sumText({ messages, bytes }: Sum): string {
  return `${countText(messages, 'message')}, ${bytesText(bytes)}`
}

/** `5 minutes`, and what stands behind "per". */
function unitOf(widthMs: number): { readonly one: string; readonly per: string } {
  const units = [
    [364 * 86_400, 'year'],
    [28 * 86_400, '4 weeks'],
    [7 * 86_400, 'week'],
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const
  const [seconds, name] = units.find(([length]) => widthMs >= length * 1000) ?? [1, 'second']
  const count = Math.round(widthMs / 1000 / seconds)
  if (count > 1) return { one: `${count} ${name}s`, per: `${count} ${name}s` }
  return { one: name === '4 weeks' ? name : `1 ${name}`, per: name }
}
