import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unpackedPackages } from './debian-packages.js'
import type { TempFolder } from './rig.js'

const run = promisify(execFile)

/** Completes command lines in a real shell, which has read a completion file. */
export interface Shell {
  /** What each line can go on with, sorted; lines that end in a blank begin a new word. Works in `folder/work`. */
  complete(script: string, lines: readonly string[], folder: TempFolder): Promise<readonly (readonly string[])[]>
}

/** bash, which completes by calling the function that is registered, as it does itself. */
export const bash: Shell = {
  complete: async (script, lines, folder) =>
    inWork(folder, async (cwd) => {
      await writeFile(folder.at('completion'), script)
      return Promise.all(
        lines.map(async (line) => {
          // As readline splits it: = is a word of its own.
          const words = line.split(/ +|(?<==)|(?==)/)
          const code =
            'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _popferry; printf "%s\\n" "${COMPREPLY[@]}"'
          const { stdout } = await run(
            'bash',
            ['--norc', '--noprofile', '-c', code, 'bash', folder.at('completion'), ...words],
            { cwd },
          )
          return sorted(stdout)
        }),
      )
    }),
}

/** fish of the distribution; or why there is none. */
export async function findFish(): Promise<Shell | { readonly missing: string }> {
  const found = await unpackedPackages({ name: 'fish', packages: ['fish'] })
  if ('missing' in found) return found
  const env = { PATH: process.env['PATH'], LD_LIBRARY_PATH: (await libraries(found.root)).join(':') }
  return {
    complete: async (script, lines, folder) =>
      inWork(folder, async (cwd) => {
        const functions = `set fish_function_path ${found.root}/usr/share/fish/functions\n`
        const requests = lines.map((line) => `complete -C ${quoted(line)}; echo ${mark}\n`)
        await writeFile(folder.at('completion'), functions + script + requests.join(''))
        const { stdout } = await run(`${found.root}/usr/bin/fish`, ['--no-config', folder.at('completion')], {
          cwd,
          env: { ...env, HOME: folder.path },
        })
        return answers(stdout).map((words) => words.map((word) => word.replace(/\t.*/, '')))
      }),
  }
}

/** zsh of the distribution, typed into on a terminal of its own; or why there is none. */
export async function findZsh(): Promise<Shell | { readonly missing: string }> {
  const found = await unpackedPackages({ name: 'zsh', packages: ['zsh'] })
  if ('missing' in found) return found
  const zsh = join(found.root, 'bin', 'zsh')
  const modules = (await libraries(found.root)).map((path) => `${path}/zsh/5.9`).join(' ')
  return {
    complete: async (script, lines, folder) =>
      inWork(folder, async (cwd) => {
        const [completion, inner, out] = [folder.at('completion'), folder.at('inner'), folder.at('out')]
        await writeFile(completion, script)
        await writeFile(inner, typedInto({ root: found.root, modules, completion, out }))
        await writeFile(folder.at('outer'), typing({ zsh, modules, inner, out, lines }))
        await writeFile(out, '')
        await run(zsh, ['-f', folder.at('outer')], { cwd, timeout: 60_000 })
        return answers(await readFile(out, 'utf8'))
      }),
  }
}

const mark = 'END-OF-ANSWER'

interface Typed {
  readonly root: string
  readonly modules: string
  readonly completion: string
  readonly out: string
}

/** Writes down what the completion offers. */
function typedInto({ root, modules, completion, out }: Typed): string {
  return `module_path=(${modules} $module_path)
fpath=(${root}/usr/share/zsh/functions/Completion/{Base,Unix,Zsh,.})
autoload -U compinit
compinit -D -u
source ${completion}
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a hits
  builtin compadd -A hits "$@"
  print -l -- $hits >> ${out}
}
PS1=NEX''T
`
}

interface Typing {
  readonly zsh: string
  readonly modules: string
  readonly inner: string
  readonly out: string
  readonly lines: readonly string[]
}

/** Each line, a tab, and Ctrl-U; the prompt behind a command's output tells that the shell is ready for the next. */
function typing({ zsh, modules, inner, out, lines }: Typing): string {
  return `module_path=(${modules} $module_path)
zmodload zsh/zpty
zpty z ${zsh} -f -i
zpty -w z ${quoted(`module_path=(${modules} $module_path); . ${inner}`)}
zpty -r z seen '*NEXT*'
for line in ${lines.map(quoted).join(' ')}; do
  zpty -w -n z "$line"$'\\t\\x15'
  zpty -w z 'print -- ${mark} >> ${out}; print DO""NE'
  zpty -r z seen '*DONE*NEXT*'
done
zpty -d z
`
}

function answers(text: string): readonly (readonly string[])[] {
  return text.split(`${mark}\n`).slice(0, -1).map(sorted)
}

function sorted(text: string): readonly string[] {
  return [...new Set(text.split('\n').filter((word) => word !== ''))].toSorted()
}

async function inWork<T>(folder: TempFolder, work: (cwd: string) => Promise<T>): Promise<T> {
  await mkdir(folder.at('work'), { recursive: true })
  return work(folder.at('work'))
}

async function libraries(root: string): Promise<readonly string[]> {
  const names = (await readdir(join(root, 'usr', 'lib'))).filter((name) => name.endsWith('-linux-gnu'))
  return names.map((name) => join(root, 'usr', 'lib', name))
}

function quoted(text: string): string {
  return `'${text}'`
}
