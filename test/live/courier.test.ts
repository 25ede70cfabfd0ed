import { expect, it } from 'vitest'
import { describeServer } from '../contract/live-server.js'
import { readByPlainPop3 } from '../support/readers.js'
import { courier } from '../support/servers/courier.js'

await describeServer(courier, (scene) => {
  it('CAP-08 would have wrapped what has 8-bit headers for a client that does not say UTF8', async () => {
    const { server, sent } = scene()
    const { exact } = await readByPlainPop3(server.port)
    const wrapped = sent.exact.filter((digest) => !exact.includes(digest))
    expect(exact).toHaveLength(sent.exact.length)
    expect(wrapped.length).toBeGreaterThan(3)
  })
})
