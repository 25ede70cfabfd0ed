/** `12,345` */
export function numberText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 message`, `2,000 messages` */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`
}

const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const

/** In powers of 1024, as the plan writes sizes: `12.3 MB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit > 0 && value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit] ?? ''}`
}

/** `45 s`, `3:05 min`, `2:03 h` */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  const [high, low, unit] = whole < 3600 ? [whole, 60, 'min'] : [whole / 60, 60, 'h']
  const minor = Math.floor(high % low)
  return `${Math.floor(high / low)}:${String(minor).padStart(2, '0')} ${unit}`
}
