import { z } from 'zod'
import { size } from '../ports/units.js'

export const emlZipSettings = z.strictObject({
  path: z.string().min(1).describe('the first volume, NAME.zip; the next ones are NAME-0002.zip and so on beside it'),
  volumeSize: size()
    .prefault('2GB')
    .describe('a volume is closed once its messages, before compression, pass this size, and when the run ends'),
  compression: z.int().min(0).max(9).default(6).describe('0: stored as they are; 9: smallest and slowest'),
  owner: z
    .string()
    .regex(/^[^:\s]+:[^:\s]+$/, 'expected "user:group"')
    .optional()
    .describe('"user:group" of new files, when run as root'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected three octal digits in quotes, such as "0600"')
    .default('0600')
    .describe('permissions of new files'),
  date: z.enum(['received', 'date', 'now']).default('received'),
})

/** Where and how an EML zip target stores. */
export type EmlZipSettings = z.output<typeof emlZipSettings>
