import { z } from 'zod'
import { fileSettings } from '../files/settings.js'
import { dateSetting } from '../mail/settings.js'
import { size } from '../ports/units.js'

export const emlZipSettings = z.strictObject({
  path: z.string().min(1).describe('the first volume, NAME.zip; the next ones are NAME-0002.zip and so on beside it'),
  volumeSize: size()
    .prefault('2GB')
    .describe('a volume is closed once its messages, before compression, pass this size, and when the run ends'),
  compression: z.int().min(0).max(9).default(6).describe('0: stored as they are; 9: smallest and slowest'),
  ...fileSettings,
  date: dateSetting,
})

/** Where and how an EML zip target stores. */
export type EmlZipSettings = z.output<typeof emlZipSettings>
