import { american } from './american.js'
import { asian } from './asian.js'
import { european } from './european.js'
import { german } from './german.js'
import type { Provider } from './provider.js'
import { worldwide } from './worldwide.js'

/** Every provider that the plan can name: a new one is one entry in a list. Of two with one host, the first is the more special. */
export const providers: readonly Provider[] = [...worldwide, ...german, ...european, ...american, ...asian]
