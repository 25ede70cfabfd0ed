import { expect, it } from 'vitest'
import { describeServer } from '../contract/live-server.js'
import { cyrus } from '../support/servers/cyrus.js'

await describeServer(cyrus, (scene) => {
  it('was given bare line feeds, which it has made line ends, and no NUL', () => {
    const taken = scene().taken.map((message) => message.toString('latin1'))
    expect(taken.filter((text) => /[^\r]\n/.test(text)).length).toBeGreaterThan(5)
    expect(taken.filter((text) => text.includes('\0'))).toEqual([])
  })
})
