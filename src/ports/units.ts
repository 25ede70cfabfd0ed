import { z } from 'zod'

// How durations and sizes are written in plans, wherever a setting is declared.

const durationForm = /^(\d{1,9})(ms|s|m|h|d)$/
const millisecondsIn = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `30s` and the like, up to so many days; becomes milliseconds. */
export function duration(least: 0 | 1 = 1, most = 365): z.ZodType<number, string> {
  const error = `expected a duration such as 500ms, 30s, 5m, 12h or 3d, ${least > 0 ? 'more than 0 and ' : ''}at most ${most}d`
  return z
    .string({ error })
    .regex(durationForm, { error })
    .transform((text) => amount(text, durationForm, millisecondsIn))
    .refine((ms) => ms >= least && ms <= most * millisecondsIn.d, { error })
}

const sizeForm = /^(\d{1,9})(KB|MB|GB)$/
const bytesIn = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

/** `64MB` and the like, in powers of 1024; becomes bytes. */
export function size(): z.ZodType<number, string> {
  const error = 'expected a size such as 64KB, 10MB or 2GB, more than 0'
  return z
    .string({ error })
    .regex(sizeForm, { error })
    .transform((text) => amount(text, sizeForm, bytesIn))
    .refine((bytes) => bytes > 0 && Number.isSafeInteger(bytes), { error })
}

function amount<Unit extends string>(text: string, form: RegExp, units: Readonly<Record<Unit, number>>): number {
  const [, digits, unit] = form.exec(text) ?? []
  return Number(digits) * units[unit as Unit]
}
