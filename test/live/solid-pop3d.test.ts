import { describeServer } from '../contract/live-server.js'
import { solidPop3d } from '../support/servers/mbox-servers.js'

await describeServer(solidPop3d)
