import { z } from 'zod'
import type { Kind, Kinds } from '../ports/kind.js'
import { duration, size } from '../ports/units.js'

/** The value of a source's `type` where the plan has none. */
export const defaultSourceType = 'pop3'

/** What stands under a secret's key. */
export type SecretSetting = z.output<typeof secretSetting>

/** Days; Node counts timers in 32 bits. */
const longestTimer = 24

const secretForms =
  '{ env: NAME }, { file: PATH }, { command: … }, { column: NAME }, { prompt: true } or a quoted string'

const secretSetting = z
  .union(
    [
      z.string().min(1).describe('The secret itself, in quotes'),
      z
        .strictObject({
          env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected the name of an environment variable' }),
        })
        .describe('An environment variable'),
      z.strictObject({ file: z.string().min(1) }).describe('A file that holds the secret and nothing else'),
      z
        .strictObject({ command: z.union([z.string().min(1), z.array(z.string()).min(1)]) })
        .describe('A command that prints the secret, asked before every sign-in; no shell runs'),
      z.strictObject({ column: z.string().min(1) }).describe('A column of the table that `accountsFrom` names'),
      z.strictObject({ prompt: z.literal(true) }).describe('Asked for on the terminal'),
    ],
    { error: ({ input }) => secretProblem(input) },
  )
  .describe('A secret: read from elsewhere, or a quoted string')

function secretProblem(input: unknown): string {
  if (typeof input === 'number' || typeof input === 'boolean' || input === null) {
    return 'expected text: quote it, so that YAML does not change the secret'
  }
  return `expected ${secretForms}`
}

function count(least: number, most: number): z.ZodNumber {
  return z.int().min(least).max(most)
}

const settings = {
  version: z.literal(1, { error: 'expected `version: 1`' }).describe('The version of this format'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe("Folder of the ledger and the spool; default: the plan file's name with .state, beside the plan"),
  concurrency: z
    .strictObject({
      accounts: count(1, 1000).default(4).describe('Accounts at once'),
      perHost: count(1, 1000).default(2).describe('Sessions at once per server name'),
    })
    .prefault({})
    .describe('How much is done at once'),
  limits: z
    .strictObject({
      bandwidth: size().optional().describe('Bytes a second over the whole run; default: no limit'),
      memory: size().prefault('64MB').describe('Bytes of messages held in memory over the whole run'),
    })
    .prefault({})
    .describe('What the whole run may use'),
  retry: z
    .strictObject({
      attempts: count(1, 1000).default(5).describe('Attempts without progress in between'),
      minDelay: duration(0).prefault('1s').describe('First pause'),
      maxDelay: duration(0).prefault('2m').describe('Longest pause; each one doubles the last'),
      maxWait: duration(0)
        .prefault('15m')
        .describe('A longer pause demanded by a server ends the account for this run'),
    })
    .prefault({})
    .describe('What happens after a failure that may pass'),
  timeouts: z
    .strictObject({
      connect: duration(1, longestTimer).prefault('30s').describe('Until the greeting: TCP, TLS and the first line'),
      reply: duration(1, longestTimer).prefault('5m').describe('Until the first byte of a reply'),
      stall: duration(1, longestTimer)
        .prefault('2m')
        .describe('Silence inside a reply; or next to nothing for five times as long'),
      settle: duration(0, longestTimer).prefault('30s').describe('How long a lost session may still act at the server'),
    })
    .prefault({})
    .describe('How long to wait'),
}

const names = {
  name: z.string().min(1).max(200).optional(),
  previously: z.string().min(1).optional(),
}

/** The plan without its accounts, for the JSON Schema. */
export const settingsSchema = z.strictObject(settings)

/** Where further accounts come from. */
export const accountsFromSchema = z
  .strictObject({ csv: z.string().min(1).describe('A table in CSV form; its header row names the columns') })
  .describe('One account a row of a table, made from the defaults; the column `name` names it')

/** The whole plan; `defaults` are merged into the accounts by then, and what the table brings stands among them. */
export function planSchema(kinds: Kinds, leastAccounts: number) {
  return z.strictObject({
    ...settings,
    defaults: z.looseObject({}).optional(),
    accounts: z.array(accountSchema(kinds)).min(leastAccounts, { error: 'expected at least one account' }),
    accountsFrom: accountsFromSchema.optional(),
  })
}

export type ValidPlan = z.output<ReturnType<typeof planSchema>>
export type ValidAccount = ValidPlan['accounts'][number]

const longestAge = 36_500

const selectSchema = z
  .strictObject({
    newerThan: duration(1, longestAge).optional().describe('Only messages that are at most so old'),
    olderThan: duration(1, longestAge).optional().describe('Only messages that are at least so old'),
    maxSize: size().optional().describe('Only messages of at most so many bytes'),
  })
  .check(({ value, issues }) => {
    const { newerThan = Infinity, olderThan = 0 } = value
    if (newerThan > olderThan) return
    const message = 'expected a shorter age than that of `newerThan`: no message can be both'
    issues.push({ code: 'custom', path: ['olderThan'], input: value.olderThan, message })
  })

const afterCopySchema = z
  .union(
    [
      z.literal('keep').describe('Everything stays at the source'),
      z.literal('delete').describe('Deleted at the source as soon as every copy was read back'),
      z
        .strictObject({ deleteAfter: duration(0, longestAge).describe('Counted from the day it was copied') })
        .describe('The same, some time later'),
    ],
    { error: 'expected keep, delete or { deleteAfter: 30d }' },
  )
  .default('keep')
  .describe('What happens at the source afterwards')

/** One account with everything that it needs. */
export function accountSchema(kinds: Kinds) {
  return z.strictObject({
    name: names.name.describe("Unique; default: the source's user"),
    previously: names.previously.describe('Only after renaming an account: its old name'),
    source: byType(kinds.sources.map(sourceSchema)).describe('The maildrop'),
    select: selectSchema.prefault({}).describe('Which messages are copied; default: all'),
    afterCopy: afterCopySchema,
    targets: z
      .array(byType(kinds.targets.map(targetSchema)))
      .min(1, { error: 'expected at least one target' })
      .describe('Where the messages go'),
  })
}

/** The keys of a kind's secrets; a dot reaches into a map of nothing but secrets (`oauth2.accessToken`). */
export function secretKeys(kind: Kind<unknown, never> | undefined): readonly string[] {
  return kind?.fields.filter(({ form }) => form === 'secret').map(({ key }) => key) ?? []
}

function sourceSchema(kind: Kinds['sources'][number]): z.ZodObject {
  const type = z.literal(kind.type).describe(`The protocol; default: ${defaultSourceType}`)
  return kind.settings.safeExtend({ type, ...secretSettings(secretKeys(kind)) })
}

function secretSettings(keys: readonly string[]): Record<string, z.ZodType> {
  const maps = new Map<string, Record<string, z.ZodType>>()
  const settings: Record<string, z.ZodType> = {}
  for (const key of keys) {
    const [outer = '', inner] = key.split('.')
    if (inner === undefined) settings[outer] = secretSetting.optional()
    else maps.set(outer, { ...maps.get(outer), [inner]: secretSetting })
  }
  for (const [outer, inner] of maps) settings[outer] = z.strictObject(inner).optional()
  return settings
}

function targetSchema(kind: Kinds['targets'][number]): z.ZodObject {
  return kind.settings.safeExtend({
    type: z.literal(kind.type).describe('The kind of target'),
    name: names.name.describe('Unique in the account; default: the type, with -2, -3 … for a second one'),
    previously: names.previously.describe('Only after renaming or moving a target: its old name'),
    ...secretSettings(secretKeys(kind)),
  })
}

function byType(schemas: readonly z.ZodObject[]): z.ZodType<Record<string, unknown>, Record<string, unknown>> {
  return z.discriminatedUnion('type', schemas as [z.ZodObject, ...z.ZodObject[]])
}

/** The setting, if it has the form of one. */
export function readSecretSetting(value: unknown): SecretSetting | undefined {
  const { data } = secretSetting.safeParse(value)
  return data
}
