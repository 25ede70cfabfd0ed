import { describeServer } from '../contract/live-server.js'
import { popa3d } from '../support/servers/mbox-servers.js'

await describeServer(popa3d)
