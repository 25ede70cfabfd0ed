import { z } from 'zod'

/** The rule (`date.ts`) as a setting of every target. */
export const dateSetting = z
  .enum(['received', 'date', 'now'])
  .default('received')
  .describe('Which date a copy gets: that of the top-most Received or Date header, that of the Date header, or now')
