import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { planJsonSchema } from '../../src/plan/json-schema.js'
import { kinds } from './kinds.js'

const schema = planJsonSchema(kinds)
const validator = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema)

function accepts(file: string): boolean {
  const plan: unknown = parse(readFileSync(new URL(`../../fixtures/plans/${file}`, import.meta.url), 'utf8'))
  return validator.safeParse(plan).success
}

describe('the JSON Schema', () => {
  test.each(['good/minimal.yaml', 'good/full.yaml', 'good/oauth2.yaml'])('takes %s', (file) => {
    expect(accepts(file)).toBe(true)
  })

  test.each([
    'bad/unknown-keys.yaml',
    'bad/units.yaml',
    'bad/wrong-values.yaml',
    'bad/types.yaml',
    'bad/version.yaml',
    'bad/no-accounts.yaml',
    'bad/oauth2.yaml',
  ])('refuses %s', (file) => {
    expect(accepts(file)).toBe(false)
  })

  test('follows from the kinds', () => {
    const account = 'properties.defaults.$ref'
    expect(schema).toHaveProperty(account, '#/$defs/account')
    expect(schema).toHaveProperty('$defs.account.properties.source.anyOf.0.properties.type.const', 'pop3')
    expect(schema).toHaveProperty('$defs.account.properties.source.anyOf.0.properties.password')
    const oauth2 = '$defs.account.properties.source.anyOf.0.properties.oauth2'
    expect(schema).toHaveProperty(`${oauth2}.required`, ['accessToken'])
    expect(schema).toHaveProperty(`${oauth2}.additionalProperties`, false)
    expect(schema).not.toHaveProperty('$defs.account.properties.source.anyOf.0.required')
    expect(schema).not.toHaveProperty('$defs.account.properties.source.anyOf.1.properties.password')
    expect(schema).toHaveProperty('$defs.account.properties.targets.items.oneOf.1.required', ['path', 'type'])
  })

  test('names the presets', () => {
    const provider = '$defs.account.properties.source.anyOf.0.properties.provider.enum'
    expect(schema).toHaveProperty(provider, ['gmail', 'outlook'])
  })

  test('the pattern of a path speaks of the value, not of its template', () => {
    expect(schema).not.toHaveProperty('$defs.account.properties.targets.items.oneOf.0.properties.path.pattern')
  })

  test('durations and sizes are patterned strings with their defaults', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      properties: {
        timeouts: { properties: { reply: { type: 'string', default: '5m', pattern: expect.any(String) as string } } },
        limits: { properties: { memory: { type: 'string', default: '64MB' } } },
      },
      required: ['version'],
      anyOf: [{ required: ['accounts'] }, { required: ['accountsFrom'] }],
    })
  })
})
