import type { Problem } from '../domain/origin.js'
import { ConfigError, JailError, problemOf } from './config-error.js'
import type { MergedIni } from './merged-ini.js'
import { type OwnSettings, readOwnSettings } from './own-settings.js'
import { ConfigFiles } from './read-order.js'
import {
  readEarlyOptions,
  readServerOptions,
  type ServerSettings,
  type SettingsOverrides,
  serverSettings,
} from './server-options.js'
import type { Say } from './typed-options.js'

/** `fail2ban.conf` and `tocsin.conf`. */
export interface Settings {
  server: ServerSettings
  own: OwnSettings
}

/** What concerns the server alone, without a look at jails: for clients that want to know where it listens. */
export function loadServerSettings(
  dir: string,
  overrides: SettingsOverrides = {},
): { settings: Settings | undefined; problems: readonly Problem[] } {
  const files = new ConfigFiles(dir)
  if (!files.exists) return { settings: undefined, problems: [noDirectory(files)] }
  const problems: Problem[] = []
  const settings = readSettings(files, overrides, problems)
  const unique = allProblems(files, problems)
  return { settings: isUsable(unique) ? settings : undefined, problems: unique }
}

/** Undefined when the server's own settings cannot be read; then `problems` says why. */
export function readSettings(
  files: ConfigFiles,
  overrides: SettingsOverrides,
  problems: Problem[],
): Settings | undefined {
  const server = collecting(problems, () => {
    const ini = required(files, 'fail2ban', problems)
    if (ini === undefined) return undefined
    const early = readEarlyOptions(ini, overrides, silently)
    return serverSettings(readServerOptions(ini, early, silently), problems)
  })
  const ours = collecting(problems, () => files.read('tocsin', silently))
  if (ours?.kind === 'unreadable') problems.push(...ours.errors.map((error) => problemOf(error)))
  const own = readOwnSettings(ours?.kind === 'read' ? ours.ini : undefined, problems)
  return server && { server, own }
}

/** Says nothing: problems are collected, Fail2ban's words for them are not wanted. */
export const silently: Say = () => {}

export function noDirectory(files: ConfigFiles): Problem {
  const message = `the configuration directory ${files.dir} does not exist`
  return { severity: 'error', message, origin: { file: files.dir, line: 0 } }
}

/** Undefined and a problem when there is no such file, or it cannot be read. Throws ConfigError. */
export function required(files: ConfigFiles, base: string, problems: Problem[]): MergedIni | undefined {
  const reading = files.read(base, silently)
  if (reading.kind === 'read') return reading.ini
  if (reading.kind === 'missing') {
    const message = `there is no ${base}.conf in ${files.dir}`
    problems.push({ severity: 'error', message, origin: { file: `${files.dir}/${base}.conf`, line: 0 } })
  } else problems.push(...reading.errors.map((error) => problemOf(error)))
  return undefined
}

/** What the task throws becomes a problem. */
export function collecting<T>(problems: Problem[], task: () => T): T | undefined {
  try {
    return task()
  } catch (error) {
    if (!(error instanceof ConfigError) || error instanceof JailError) throw error
    problems.push(problemOf(error))
    return undefined
  }
}

/**
 * With the errors of files in front; an error of a file comes up at every use of the file and is told once. Files that
 * were left out because nobody can read them are warnings.
 */
export function allProblems(files: ConfigFiles, problems: readonly Problem[]): Problem[] {
  const isTold = ({ origin }: ConfigError) => problems.some((problem) => problem.origin?.file === origin?.file)
  const leftOut = [...files.unreadable.values()].filter((error) => !isTold(error))
  const warnings = leftOut.map((error) => ({ ...problemOf(error), severity: 'warning' as const }))
  const seen = new Set<string>()
  return [...files.errors.map((error) => problemOf(error)), ...problems, ...warnings].filter((problem) => {
    const key = JSON.stringify([problem.message, problem.origin, problem.jail])
    return !seen.has(key) && seen.add(key)
  })
}

/** Whether no error concerns everything. */
export function isUsable(problems: readonly Problem[]): boolean {
  return !problems.some((problem) => problem.severity === 'error' && problem.jail === undefined)
}
