import { describeTarget } from '../contract/target.js'
import { emlZipHarness } from './eml-zip-place.js'

describeTarget('eml-zip', emlZipHarness())
describeTarget('eml-zip with a message in each volume', emlZipHarness({ volumeSize: 1, compression: 0 }))
