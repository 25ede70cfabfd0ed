import type { Findings } from './diagnostic.js'
import type { Tree } from './tree.js'

const control = /\p{Cc}/u

/** Refuses control characters in every text but the secrets, which have a rule of their own (QUIRKS YML-13). */
export function refuseControlCharacters(tree: Tree, findings: Findings, isSecret: (tree: Tree) => boolean): void {
  if (tree.kind === 'map') {
    for (const [key, { keyAt, value }] of tree.entries) {
      if (control.test(key)) findings.add(keyAt, 'expected a key without control characters')
      refuseControlCharacters(value, findings, isSecret)
    }
  } else if (tree.kind === 'list') {
    for (const item of tree.items) refuseControlCharacters(item, findings, isSecret)
  } else if (typeof tree.value === 'string' && control.test(tree.value) && !isSecret(tree)) {
    if (findings.has(tree.at)) return
    findings.add(tree.at, 'expected text without line breaks and other control characters')
  }
}
