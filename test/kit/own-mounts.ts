import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runChild } from '../../src/lib/child.js'
import { cFunction } from '../../src/lib/libc.js'

const CLONE_NEWNS = 0x20000
const timeoutMs = 5000

/** This process and those that it starts see files of their own: an empty /run, and whatever `replace` says. Ends with the process. */
export const withoutMounts = (await enterOwnMounts()) ?? false

async function enterOwnMounts(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root'
  const unshare = cFunction<(flags: number) => number>('int unshare(int flags)')
  if (unshare(CLONE_NEWNS) !== 0) return 'needs mount namespaces: unshare(CLONE_NEWNS) failed'
  const isApart = (await mount('--make-rprivate', '/')) && (await mount('-t', 'tmpfs', 'tmpfs', '/run'))
  return isApart ? undefined : 'needs the mount command, and to be allowed to mount'
}

/** The text is what everybody here reads in this file from now on. The file must exist, but for those in /run. */
export async function replace(file: string, text: string | Buffer, dir: string): Promise<void> {
  if (file.startsWith('/run/')) {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
    return
  }
  const copy = path.join(dir, path.basename(file))
  writeFileSync(copy, text)
  if (!(await mount('--bind', copy, file))) throw new Error(`Cannot mount over ${file}`)
}

async function mount(...words: string[]): Promise<boolean> {
  return (await runChild(['mount', ...words], { timeoutMs })).exitCode === 0
}
