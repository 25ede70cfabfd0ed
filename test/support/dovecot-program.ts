import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exists, type Unpacked, unpackedPackages } from './debian-packages.js'

const run = promisify(execFile)

/** The root of the installed Dovecot (empty), else of one unpacked from the distribution's packages; or why there is none. */
export async function findDovecot(): Promise<Unpacked> {
  const installed =
    (await exists('/usr/sbin/dovecot')) &&
    (await exists('/usr/lib/dovecot/pop3-login')) &&
    (await exists('/usr/lib/dovecot/imap-login'))
  const found = installed
    ? { root: '' }
    : await unpackedPackages({
        name: 'dovecot-mail',
        packages: ['dovecot-core', 'dovecot-pop3d', 'dovecot-imapd'],
        prepare: relocate,
      })
  if ('missing' in found) return found
  const { stdout } = await run(`${found.root}/usr/sbin/dovecot`, ['--version'], {
    env: await inherited(found.root),
  })
  return stdout.startsWith('2.3.') ? found : { missing: `this is Dovecot ${stdout.trim()}, the tests know 2.3` }
}

/** Its processes find an unpacked Dovecot's libraries by this; each inherits it through `import_environment`. */
export async function inherited(root: string): Promise<Record<string, string>> {
  const PATH = process.env['PATH'] ?? ''
  if (root === '') return { PATH }
  // There are no libraries where the host has them all.
  const names = await readdir(join(root, 'usr', 'lib')).catch(() => [])
  const folders = names.filter((name) => name.endsWith('-linux-gnu'))
  const libraries = [join(root, 'usr', 'lib', 'dovecot'), ...folders.map((name) => join(root, 'usr', 'lib', name))]
  return { PATH, LD_LIBRARY_PATH: libraries.join(':') }
}

/**
 * Dovecot looks for its modules in a folder whose name is compiled in. An unpacked one gets another name there, of the
 * same length: a link in the folder that its processes work in.
 */
async function relocate(root: string): Promise<void> {
  for (const folder of ['usr/lib/dovecot', 'usr/bin', 'usr/sbin']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const bytes = await readFile(path)
      let found = false
      for (let at = 0; (at = bytes.indexOf(compiledIn, at)) >= 0; at += compiledIn.length) {
        bytes.write(`/proc/self/cwd/${relocated}`, at)
        found = true
      }
      if (found) await writeFile(path, bytes)
    }
  }
}

const compiledIn = '/usr/lib/dovecot'

/** The name of the link to the modules, in the folder that the processes work in. */
export const relocated = 'm'
