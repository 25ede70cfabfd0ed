import { describeServer } from '../contract/live-server.js'
import { mailutils } from '../support/servers/mailutils.js'

await describeServer(mailutils)
