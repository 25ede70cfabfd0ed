import { writeFileSync } from 'node:fs'
import { planJsonSchema } from '../src/plan/json-schema.js'
import { kinds } from '../src/registry.js'

/** `node build/cmd/write-schema.js FILE` writes the plan's JSON Schema; part of the build. */
const [, , file] = process.argv
if (file === undefined) throw new Error('usage: write-schema FILE')
writeFileSync(file, `${JSON.stringify(planJsonSchema(kinds), null, 2)}\n`)
