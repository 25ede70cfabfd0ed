import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { MessageKey } from '../../src/ports/message.js'
import { manifestHead, manifestLine, readManifest } from '../../src/targets/eml-zip-manifest.js'

const latin1 = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  minLength: 1,
})
const facts = { sha256: 'ab'.repeat(32), size: 7, at: 0, flags: [], path: '', offset: 0 }

it('a manifest gives back every name and key, whatever bytes an id has', () => {
  const entry = fc.record({
    name: fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => `${text.replaceAll(/[\r\n]/g, '')}.eml`),
    uidl: latin1.filter((text) => !text.includes('\n')),
    occurrence: fc.integer({ min: 1, max: 3 }),
    date: fc.option(fc.integer({ min: 0, max: 4e12 })),
  })
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ name }) => name }), (entries) => {
      const key = ({ uidl, occurrence }: (typeof entries)[number]): MessageKey =>
        (occurrence === 1 ? uidl : `${uidl}\n${occurrence}`) as MessageKey
      const lines = entries.map((one) => manifestLine({ ...facts, ...one, key: key(one) }))
      const expected = entries.map((one) => {
        return [one.name, { key: key(one), sha256: facts.sha256, ...(one.date !== null && { date: one.date }) }]
      })
      expect([...readManifest(manifestHead + lines.join(''))]).toEqual(expected)
    }),
  )
})

it('what is no manifest of ours says nothing', () => {
  for (const text of ['', 'name,uidl\r\nx,y\r\n', `${manifestHead}"""`, `${manifestHead}\r\n\r\n,,,,\r\n`]) {
    expect([...readManifest(text)].filter(([name]) => name !== '"')).toEqual([])
  }
})
