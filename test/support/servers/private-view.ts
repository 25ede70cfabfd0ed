import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isRoot } from '../machine.js'
import { type TempFolder, tempFolder } from '../rig.js'
import { ServerProcess } from './server-process.js'

/** A server that insists on root, on system users and on fixed paths. */
export interface PrivateServer {
  /** Under which its unpacked packages lie. */
  readonly root: string
  /** Further files of /etc, by their paths there. */
  readonly etc: Readonly<Record<string, string>>
  /** Users that the server works as. */
  readonly servants?: readonly string[]
  /** Shell text that is run before it. */
  readonly before?: string
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** Why no server can be had with a view of its own. */
export const noPrivateView =
  isRoot && process.platform === 'linux' ? undefined : 'it takes root on Linux to give the server a system of its own'

/**
 * Runs a server in mount and process namespaces of its own, in which its packages look installed, /etc knows a user
 * alice with the password `secret`, and /var/mail, /var/lib and /run are its own. Nothing of the host changes, and
 * with its first process everything in there ends.
 */
export class PrivateView implements AsyncDisposable {
  readonly #folder: TempFolder
  readonly process: ServerProcess

  private constructor(folder: TempFolder, process: ServerProcess) {
    this.#folder = folder
    this.process = process
  }

  static async start(server: PrivateServer): Promise<PrivateView> {
    const folder = await tempFolder()
    await chmod(folder.path, 0o711)
    for (const part of ['etc', 'home']) await mkdir(folder.at(part), { mode: 0o755 })
    for (const part of ['mail', 'run']) {
      await mkdir(folder.at(part))
      await chmod(folder.at(part), 0o1777)
    }
    const home = folder.at('home', 'alice')
    await mkdir(home, { mode: 0o700 })
    await chown(home, alice, alice)
    await fillEtc(folder, home, server)
    const { root, before = '', command, environment } = server
    const script = [...entering, before, 'exec "$@"'].join('\n')
    const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    const process = new ServerProcess({
      command: [...namespaces, '--propagation', 'private', 'sh', '-ec', script, 'sh', ...command],
      cwd: folder.path,
      environment: { FOLDER: folder.path, ROOT: root, ...environment },
    })
    return new PrivateView(folder, process)
  }

  /** The file in /var/mail. */
  get spool(): string {
    return this.#folder.at('mail', 'alice')
  }

  /** A place for sockets that the tests can reach, too; inside it is `$FOLDER/run`. */
  get sockets(): string {
    return this.#folder.at('run')
  }

  get home(): string {
    return this.#folder.at('home', 'alice')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
    await this.#folder[Symbol.asyncDispose]()
  }
}

/** A user's number that hosts hardly have. */
export const alice = 46_001

/** What programs authenticate by that ask PAM. */
export const pam = 'auth required pam_unix.so\naccount required pam_unix.so\n'

/** The certificate `good` of the fixtures and its key. */
export const certificate = {
  cert: readFileSync(tlsFile('good.pem'), 'utf8'),
  key: readFileSync(tlsFile('good.key'), 'utf8'),
}

/** What the mounts hide is still there for everybody else. */
const entering = [
  'mount -t overlay overlay -o "lowerdir=$ROOT/usr:/usr" /usr',
  'mount -t overlay overlay -o "lowerdir=$FOLDER/etc:/etc" /etc',
  'mount --bind "$FOLDER/mail" /var/mail',
  'mount -t tmpfs tmpfs /var/lib',
  'mount -t tmpfs tmpfs /run',
]

function tlsFile(name: string): URL {
  return new URL(`../../../fixtures/tls/${name}`, import.meta.url)
}

async function fillEtc(folder: TempFolder, home: string, { etc, servants = [] }: PrivateServer): Promise<void> {
  const users = [`alice:x:${alice}:${alice}::${home}:/bin/sh`]
  const groups = [`alice:x:${alice}:`]
  for (const [index, name] of servants.entries()) {
    users.push(`${name}:x:${alice + 1 + index}:${alice + 1 + index}::/nonexistent:/usr/sbin/nologin`)
    groups.push(`${name}:x:${alice + 1 + index}:`)
  }
  const files = {
    passwd: `${await readFile('/etc/passwd', 'utf8')}${users.join('\n')}\n`,
    group: `${await readFile('/etc/group', 'utf8')}${groups.join('\n')}\n`,
    shadow: `alice:${secret}:19000:0:99999:7:::\n`,
    ...etc,
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(folder.at('etc', path)), { recursive: true })
    await writeFile(folder.at('etc', path), text.replaceAll('$FOLDER', folder.path))
  }
}

/** The word `secret` in crypt's SHA-512 form. */
const secret = '$6$popferry$UlBiUEfmrjAQvFQo2o1raPOZcgKKU3YNjdDbcYSwMEV1hCh63P9RNgdWv0s./mR30f94yernjAsjyP3EFELxR.'
