import { readFileSync } from 'node:fs'
import { runChild } from '../lib/child.js'

/** A manager that does not answer in this time is not waited for: a stop has to be one. */
const answerMs = 2000

export interface ServiceManagerOptions {
  /** systemd tells its services so by INVOCATION_ID (systemd.exec(5)). */
  env: Readonly<Record<string, string | undefined>>
  /** As in /proc/self/cgroup. */
  cgroup: string
}

/**
 * Whether systemd ends us in order to start us again (`systemctl restart`, an upgrade): by the type of the job that it has for our unit
 * while it stops us. False where there is no systemd, or it does not say.
 */
export async function isBeingRestarted(options: ServiceManagerOptions = ourOwn()): Promise<boolean> {
  const unit = unitIn(options.cgroup)
  if (options.env.INVOCATION_ID === undefined || unit === undefined) return false
  const job = await shown('Job', unit, options.env)
  if (!/^[1-9]\d*$/.test(job)) return false
  return (await shown('JobType', job, options.env)) === 'restart'
}

function ourOwn(): ServiceManagerOptions {
  return { env: process.env, cgroup: readFileSync('/proc/self/cgroup', 'utf8') }
}

/** `0::/system.slice/fail2ban.service`; with cgroups of version 1 the line of `name=systemd`. */
function unitIn(cgroup: string): string | undefined {
  return /^\d+:(?:name=systemd)?:\/(?:.*\/)?([^/\n]+\.service)(?:\/.*)?$/m.exec(cgroup)?.[1]
}

async function shown(property: string, of: string, env: ServiceManagerOptions['env']): Promise<string> {
  const argv = ['systemctl', 'show', `--property=${property}`, '--value', '--', of]
  const { exitCode, stdout } = await runChild(argv, { timeoutMs: answerMs, env })
  return exitCode === 0 ? stdout.trim() : ''
}
