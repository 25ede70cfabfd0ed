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

/** `less than a minute`, `up to 2 min`, `about 20 to 45 min`, `about 3 h`: no more exact than a guess is; in seconds. */
export function roughText({ from, to }: { readonly from: number; readonly to: number }): string {
  if (to < 55) return 'less than a minute'
  const [unit, name] = to <= 90 * 60 ? [60, 'min'] : to <= 36 * 3600 ? [3600, 'h'] : [86_400, 'days']
  const least = steps.findLast((step) => step <= from / unit)
  const most = steps.find((step) => step >= to / unit) ?? Math.ceil(to / unit)
  if (least === undefined) return `up to ${most} ${name}`
  return least === most ? `about ${most} ${name}` : `about ${least} to ${most} ${name}`
}

const steps = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 45, 50, 60, 75, 90]
