import { canonicalPath } from '../files/place.js'

/** The first volume's path as the plan has it; `.zip` may be left out there. */
export function archivePath(path: string): string {
  return canonicalPath(`${path.replace(/\.zip$/i, '')}.zip`)
}
