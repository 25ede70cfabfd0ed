import { z } from 'zod'
import type { Kinds, Presets, SpecialField } from '../ports/kind.js'
import { accountsFromSchema, accountSchema, settingsSchema } from './schema.js'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** The plan's JSON Schema (draft 2020-12), for editors. */
export function planJsonSchema(kinds: Kinds): object {
  const { $schema, properties, required, ...root } = toJsonSchema(settingsSchema)
  const account = { $ref: '#/$defs/account' }
  return {
    $schema,
    title: 'popferry plan',
    description: 'Which POP3 maildrops are copied where',
    ...root,
    properties: {
      ...properties,
      defaults: { ...account, description: 'Merged under every account: maps key by key, lists replaced whole' },
      accounts: { type: 'array', minItems: 1, items: account, description: 'One maildrop and its targets each' },
      accountsFrom: withoutDialect(toJsonSchema(accountsFromSchema)),
    },
    required: required ?? [],
    anyOf: [{ required: ['accounts'] }, { required: ['accountsFrom'] }],
    $defs: { account: accountJsonSchema(kinds) },
  }
}

/** What an account lacks may stand in the defaults, so nothing is required of it; but lists are replaced whole. */
function accountJsonSchema(kinds: Kinds): JsonSchema {
  const account = toJsonSchema(accountSchema(kinds), ({ path, jsonSchema }) => {
    const inSource = path[1] === 'source'
    const branch = path.indexOf('oneOf')
    if (branch >= 0) {
      const kind = (inSource ? kinds.sources : kinds.targets)[Number(path[branch + 1])]
      const key = path.slice(branch + 2).filter((step) => step !== 'properties')
      if (inSource && key.length === 0) delete jsonSchema.required
      if (!inSource && key.length === 0) jsonSchema.required = withoutPreset(jsonSchema.required, kind?.presets)
      if (kind && isTemplate(kind.fields, key.join('.'))) delete jsonSchema.pattern
    } else if (inSource && jsonSchema.oneOf) {
      // Without a required `type`, a source may fit several kinds.
      jsonSchema.anyOf = jsonSchema.oneOf
      delete jsonSchema.oneOf
    }
  })
  delete account.required
  return withoutDialect(account)
}

/** A part of a schema does not say anew which JSON Schema it is. */
function withoutDialect(schema: JsonSchema): JsonSchema {
  delete schema.$schema
  return schema
}

/** What a preset may bring need not be there. */
function withoutPreset(required: readonly string[] = [], presets: Presets | undefined): string[] {
  const known = new Set([...(presets?.settings.values() ?? [])].flatMap((settings) => Object.keys(settings)))
  return required.filter((key) => !known.has(key))
}

/** A pattern speaks of the value that a template becomes. */
function isTemplate(fields: readonly SpecialField[], key: string): boolean {
  return fields.some((field) => field.key === key && field.form.startsWith('template'))
}

function toJsonSchema(
  schema: z.ZodType,
  override: z.core.ToJSONSchemaParams['override'] = () => undefined,
): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any', override })
}
