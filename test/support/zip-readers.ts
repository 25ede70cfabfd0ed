import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { unpackedPackages } from './debian-packages.js'

const run = promisify(execFile)

/** A program that is not ours and reads zip files: throws where it has anything to say against one. */
export interface ZipReader {
  readonly name: string
  /** Why it cannot be asked. */
  readonly missing?: string | undefined
  readonly check: (path: string) => Promise<void>
}

export const zipReaders: readonly ZipReader[] = [
  { ...(await find('unzip', ['-v'])), check: async (path) => ask('unzip', ['-tqq', path]) },
  {
    ...(await find('python3', ['-c', 'import zipfile, zlib'])),
    check: async (path) => ask('python3', ['-c', testZip, path]),
  },
  await sevenZip(),
]

const testZip = 'import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip())'

/** Of the host, or else from its Debian package. */
async function sevenZip(): Promise<ZipReader> {
  const found = await find('7z', ['i'])
  if (found.missing === undefined) return { ...found, check: async (path) => ask('7z', ['t', '-bd', path]) }
  const unpacked = await unpackedPackages({ name: 'p7zip', packages: ['p7zip-full', 'p7zip'] })
  if ('missing' in unpacked) return { name: '7z', missing: unpacked.missing, check: async () => undefined }
  return { name: '7z', check: async (path) => ask(`${unpacked.root}/usr/lib/p7zip/7z`, ['t', '-bd', path]) }
}

async function find(
  name: string,
  args: readonly string[],
): Promise<{ readonly name: string; readonly missing?: string }> {
  return run(name, args).then(
    () => ({ name }),
    () => ({ name, missing: `there is no ${name} here` }),
  )
}

async function ask(program: string, args: readonly string[]): Promise<void> {
  await run(program, args, { maxBuffer: 2 ** 26 })
}
