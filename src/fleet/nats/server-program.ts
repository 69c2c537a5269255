import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { runChild } from '../../lib/child.js'
import { versionWarning } from './server-version.js'

/** How the program is had on Debian and Ubuntu. */
const installCommand = 'apt-get install nats-server'
const versionTimeoutMs = 5000

export interface ServerProgram {
  file: string
  version: string
  /** What speaks against this version, in a sentence. */
  warning: string | undefined
}

/** Looks for nats-server where programs are, and in /usr/sbin, where Debian puts it. Rejects with a sentence that says what to do. */
export async function findServerProgram(searchPath: string | undefined = process.env.PATH): Promise<ServerProgram> {
  const dirs = [...(searchPath ?? '').split(':').filter((dir) => path.isAbsolute(dir)), '/usr/local/sbin', '/usr/sbin']
  const file = dirs.map((dir) => path.join(dir, 'nats-server')).find(isProgram)
  if (file === undefined) {
    throw new Error(
      `Cannot run the fleet's server: there is no program nats-server in ${[...new Set(dirs)].join(', ')}; install it: ${installCommand}`,
    )
  }
  const { stdout, stderr, exitCode } = await runChild([file, '--version'], { timeoutMs: versionTimeoutMs })
  const [, version] = /v(\d+\.\d+\.\d+)/.exec(stdout) ?? []
  if (version === undefined) {
    const seen = (stdout + stderr).trim().slice(0, 200)
    throw new Error(`Cannot run the fleet's server: ${file} --version said ${JSON.stringify(seen)} (exit ${exitCode})`)
  }
  return { file, version, warning: versionWarning(version) }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false // Not there, or not for us.
  }
}
