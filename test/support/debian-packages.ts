import { execFile } from 'node:child_process'
import { access, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The root under which the files of packages lie where the packages say (`/usr/sbin/…`); or why there is none. */
export type Unpacked = { readonly root: string } | { readonly missing: string }

export interface Wanted {
  /** Of the folder in `.cache/debian`. */
  readonly name: string
  readonly packages: readonly string[]
  /** Called once, before the folder gets its name. */
  readonly prepare?: (root: string) => Promise<void>
}

/**
 * Unpacks packages of the distribution, and what they depend on and the host lacks, into the project's cache. Nothing
 * is installed and nothing outside of the cache changes; any user can do it.
 */
export async function unpackedPackages({ name, packages, prepare }: Wanted): Promise<Unpacked> {
  const root = join(cache, 'debian', name)
  if (await exists(root)) return { root }
  if (process.platform !== 'linux') return { missing: `there are no Debian packages for ${process.platform}` }
  try {
    await mkdir(join(cache, 'debian'), { recursive: true })
    const scratch = await mkdtemp(`${root}-`)
    try {
      await download(scratch, packages)
      await unpack(scratch)
      await prepare?.(join(scratch, 'root'))
      await rename(join(scratch, 'root'), root).catch(async (error: unknown) => {
        // Another test process was faster.
        if (!(await exists(root))) throw error
      })
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
    return { root }
  } catch (error) {
    return { missing: `${packages.join(', ')} cannot be had: ${reason(error)}` }
  }
}

/** With the host's package lists; where it has none, or old ones, with fresh ones of our own. */
async function download(folder: string, packages: readonly string[]): Promise<void> {
  try {
    await downloadWith([], folder, packages)
  } catch (error) {
    if (isMissingProgram(error)) throw error
    const lists = join(cache, 'apt')
    await mkdir(join(lists, 'state', 'lists', 'partial'), { recursive: true })
    await mkdir(join(lists, 'cache', 'archives', 'partial'), { recursive: true })
    const own = [`Dir::State=${lists}/state`, 'Dir::State::status=/var/lib/dpkg/status', `Dir::Cache=${lists}/cache`]
    await apt(own, folder, 'update', '-q', '--error-on=any')
    await downloadWith(own, folder, packages)
  }
}

async function downloadWith(settings: readonly string[], folder: string, packages: readonly string[]): Promise<void> {
  const plan = await apt(settings, folder, 'install', '--simulate', '--no-install-recommends', ...packages)
  // `Inst dovecot-pop3d (1:2.3.19.1+dfsg1-2.1 Debian:12.8/stable [amd64])`: it, or a dependency, is not installed.
  const lacking = new Map(
    Array.from(plan.matchAll(/^Inst (\S+)(?: \[\S+\])? \((\S+)/gm), ([, name = '', version = '']) => [name, version]),
  )
  // Those that the host has are needed as well: what is unpacked must be whole.
  const named = packages.filter((name) => !lacking.has(name))
  const others = Array.from(lacking, ([name, version]) => `${name}=${version}`)
  await apt(settings, folder, 'download', ...named, ...others)
}

async function apt(settings: readonly string[], cwd: string, ...args: readonly string[]): Promise<string> {
  // Where root runs apt, its helper user need not see our folder.
  const all = [...settings, ...(process.getuid?.() === 0 ? ['APT::Sandbox::User=root'] : []), ...patience]
  const { stdout } = await run('apt-get', [...args, ...all.flatMap((setting) => ['-o', setting])], {
    cwd,
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 2 ** 24,
    timeout: 120_000,
  })
  return stdout
}

async function unpack(folder: string): Promise<void> {
  const archives = (await readdir(folder)).filter((file) => file.endsWith('.deb'))
  if (archives.length === 0) throw new Error('apt-get downloaded nothing')
  const root = join(folder, 'root')
  for (const archive of archives) await run('dpkg-deb', ['--extract', join(folder, archive), root])
  // As it is on the hosts: /lib is a part of /usr.
  if (await exists(join(root, 'lib')))
    await cp(join(root, 'lib'), join(root, 'usr', 'lib'), { recursive: true, verbatimSymlinks: true })
}

function reason(error: unknown): string {
  if (isMissingProgram(error)) return `there is no ${basename(error.path ?? 'such program')} here`
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string }
  const [line = message.split('\n')[0] ?? ''] = /^E: .*$/m.exec(stderr ?? '') ?? []
  return line.replace(/^E: /, '')
}

function isMissingProgram(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT' && 'spawnargs' in error
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

const patience = ['Acquire::Retries=1', 'Acquire::http::Timeout=20', 'Acquire::https::Timeout=20']
const cache = fileURLToPath(new URL('../../.cache', import.meta.url))
