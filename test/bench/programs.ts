import { execFile, spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { exists, unpackedPackages } from '../support/debian-packages.js'
import { inherited } from '../support/dovecot-program.js'

const run = promisify(execFile)

export interface Program {
  readonly path: string
  readonly environment: Readonly<Record<string, string>>
  readonly version: string
}

export type Found = Program | { readonly missing: string }

const packages = {
  mpop: 'mpop',
  getmail: 'getmail6',
  fetchmail: 'fetchmail',
  procmail: 'procmail',
  fdm: 'fdm',
  mbsync: 'isync',
  strace: 'strace',
} as const
export type ProgramName = keyof typeof packages
export const programNames = Object.keys(packages) as ProgramName[]

/** As installed, else unpacked from the distribution's packages; or why there is none. */
export async function findProgram(name: ProgramName): Promise<Found> {
  const installed = await exists(`/usr/bin/${name}`)
  const found = installed ? { root: '' } : await unpackedPackages({ name, packages: [packages[name]] })
  if ('missing' in found) return found
  const path = `${found.root}/usr/bin/${name}`
  const modules = `${found.root}/usr/lib/python3/dist-packages`
  const python = !installed && (await readdir(modules).catch(() => [])).length > 0 ? { PYTHONPATH: modules } : {}
  const environment = { ...(await inherited(found.root)), ...python }
  return { path, environment, version: await versionOf(name, path, environment) }
}

async function versionOf(name: ProgramName, path: string, environment: Record<string, string>): Promise<string> {
  // fdm does not tell its version.
  const command: readonly [string, ...string[]] =
    name === 'fdm' ? ['dpkg-query', '-W', '-f', '${Version}', name] : [path, name === 'procmail' ? '-v' : '--version']
  const [program, ...args] = command
  const { stdout, stderr } = spawnSync(program, args, {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  })
  return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'of unknown version'
}

/** What was measured, with what, and where. */
export async function versions(programs: ReadonlyMap<string, Found>, folder: string): Promise<string> {
  const first = async (program: string, ...args: string[]): Promise<string> =>
    run(program, args).then(
      ({ stdout }) => stdout.trim().split('\n')[0] ?? '',
      () => 'unknown',
    )
  const popferry = await first(process.execPath, popferryProgram, '--version')
  const peers = Array.from(programs, ([name, found]) => ('missing' in found ? [] : [`${name} ${found.version}`])).flat()
  const cpu = await first('sh', '-c', 'sed -n "s/^model name.*: //p" /proc/cpuinfo')
  const counts = process.env['BENCH_MESSAGES'] ?? '10000'
  return [
    ...(counts === '10000' ? [] : [`BENCH_MESSAGES=${counts}: all counts are that much of 10,000`]),
    [`popferry ${popferry.replace(/^popferry /, '')}`, ...peers].join(', '),
    `Node.js ${process.version}, Linux ${release()}, ${await first('findmnt', '-n', '-o', 'FSTYPE', '-T', folder)}`,
    `${await first('nproc')} cores, ${cpu}`,
  ].join('\n')
}

export const popferryProgram = fileURLToPath(new URL('../../dist/cmd/popferry.cjs', import.meta.url))
