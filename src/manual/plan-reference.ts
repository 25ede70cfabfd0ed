import { code, table } from './markdown.js'

type Scalar = string | number | boolean

/** As much of a JSON Schema as that of the plan uses. */
export interface JsonSchema {
  readonly type?: string
  readonly const?: Scalar
  readonly enum?: readonly Scalar[]
  readonly default?: Scalar | readonly Scalar[] | object
  readonly description?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

/** The keys of a plan, from its JSON Schema. */
export function planReference(schema: JsonSchema): readonly string[] {
  const account = schema.$defs?.['account'] ?? {}
  const { source, targets, ...rest } = account.properties ?? {}
  const secret = source?.anyOf?.[0]?.properties?.['password'] ?? {}
  return [
    '## The plan',
    'YAML 1.2. Durations are written `500ms`, `30s`, `5m`, `12h`, `30d`, sizes `64KB`, `10MB`, `2GB` (powers of 1024). Relative paths start ' +
      "at the plan's folder. [The example](../migrate.example.yaml) shows every key in its place; the same is in " +
      '`schema/plan.schema.json`, by which editors complete keys.',
    keyTable(schema),
    '### An account',
    'Of `accounts`, or of `defaults`; `source` and `targets` follow.',
    keyTable({ properties: rest }),
    ...kinds(source?.anyOf).flatMap(([type, kind]) => [`### A source of type \`${type}\``, keyTable(kind)]),
    ...kinds(targets?.items?.oneOf).flatMap(([type, kind]) => [`### A target of type \`${type}\``, keyTable(kind)]),
    '### A secret',
    'What `password` and `oauth2.accessToken` may be.',
    table(
      ['form', 'meaning'],
      (secret.oneOf ?? secret.anyOf ?? []).map((form) => [
        form.type === 'string' ? code("'…'") : code(secretForm(form)),
        form.description ?? '',
      ]),
    ),
  ]
}

function kinds(schemas: readonly JsonSchema[] = []): readonly (readonly [string, JsonSchema])[] {
  return schemas.map((kind) => [String(kind.properties?.['type']?.const), kind])
}

function secretForm({ properties = {} }: JsonSchema): string {
  return Object.entries(properties)
    .map(([key, value]) => `{ ${key}: ${value.const === undefined ? '…' : String(value.const)} }`)
    .join('')
}

function keyTable(schema: JsonSchema): string {
  return table(['key', 'value', 'default', 'meaning'], rows(schema, ''))
}

function rows({ properties = {}, required = [] }: JsonSchema, prefix: string): readonly (readonly string[])[] {
  return Object.entries(properties).flatMap(([name, value]) => {
    const key = `${prefix}${name}`
    const inside = value.properties ? rows(value, `${key}.`) : []
    const row = [code(key), values(value), defaultOf(value), meaning(value, required.includes(name))]
    return [row, ...inside]
  })
}

function meaning({ description = '' }: JsonSchema, required: boolean): string {
  const sentence = description.slice(0, 1).toUpperCase() + description.slice(1)
  return required ? `${sentence} (required)`.trim() : sentence
}

function defaultOf({ default: value, type }: JsonSchema): string {
  if (value === undefined || type === 'object') return ''
  if (typeof value === 'object' || value === '') return 'none'
  return code(String(value))
}

/** Lists that nobody would read. */
const longest = 12

function values(schema: JsonSchema): string {
  const forms = schema.oneOf ?? schema.anyOf
  if (schema.$ref !== undefined) return 'an account'
  if (schema.const !== undefined) return code(String(schema.const))
  if (schema.enum)
    return schema.enum.length > longest ? 'see `popferry providers`' : schema.enum.map(literal).join(', ')
  if (forms) return isSecret(schema) ? 'a secret' : forms.map(values).join(', ')
  if (schema.pattern?.includes('(ms|s|m|h|d)')) return 'a duration'
  if (schema.pattern?.includes('(KB|MB|GB)')) return 'a size'
  switch (schema.type) {
    case 'integer':
      return range(schema)
    case 'boolean':
      return '`true`, `false`'
    case 'array':
      return 'a list'
    case 'object':
      return schema.required ? code(`{ ${schema.required.map((key) => `${key}: …`).join(', ')} }`) : 'a map'
    default:
      return 'text'
  }
}

function literal(value: Scalar): string {
  return code(String(value))
}

function isSecret({ oneOf, anyOf }: JsonSchema): boolean {
  return (oneOf ?? anyOf ?? []).some(({ properties }) => properties?.['env'] !== undefined)
}

function range({ minimum, maximum = Number.MAX_SAFE_INTEGER }: JsonSchema): string {
  const least = minimum ?? 0
  return maximum === Number.MAX_SAFE_INTEGER ? `a number from ${least}` : `${least} to ${maximum}`
}
