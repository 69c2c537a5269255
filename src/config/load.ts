import { existsSync } from 'node:fs'
import type { Problem } from '../domain/origin.js'
import { ConfigError, JailError, problemOf } from './config-error.js'
import { type JailConfig, jailConfig } from './jail-config.js'
import { type JailContext, readJail } from './jail-file.js'
import { addStaticDefaults, fail2banVersionDefault, jailNames } from './jail-sections.js'
import type { MergedIni } from './merged-ini.js'
import { misspelledOptions } from './misspelled.js'
import { type OwnSettings, readOwnSettings } from './own-settings.js'
import { ConfigFiles } from './read-order.js'
import {
  readEarlyOptions,
  readServerOptions,
  type ServerSettings,
  type SettingsOverrides,
  serverSettings,
} from './settings.js'

/** Everything the daemon runs on. */
export interface Config {
  /** Without a slash at its end. */
  dir: string
  server: ServerSettings
  own: OwnSettings
  /** Enabled and right, in file order. */
  jails: readonly JailConfig[]
}

/** `config` is undefined when a problem without a jail is an error: nothing can run then. */
export type LoadResult =
  | { config: Config; problems: readonly Problem[] }
  | { config: undefined; problems: readonly Problem[] }

export interface LoadOptions {
  dir: string
  overrides?: SettingsOverrides
  fail2banVersion?: string
}

/** Reads the whole configuration. Nothing is thrown: every error of every file and jail is among the problems. */
export function loadConfig(options: LoadOptions): LoadResult {
  const files = new ConfigFiles(options.dir)
  const problems: Problem[] = []
  if (!existsSync(files.dir)) {
    const message = `the configuration directory ${files.dir} does not exist`
    problems.push({ severity: 'error', message, origin: { file: files.dir, line: 0 } })
    return { config: undefined, problems }
  }
  const server = loadServer(files, options.overrides ?? {}, problems)
  const own = loadOwn(files, problems)
  const jails = loadJails(files, options.fail2banVersion ?? fail2banVersionDefault, problems)
  // Errors of files come up at every use of the file; each is told once.
  problems.unshift(...files.errors.map((error) => problemOf(error)))
  const unique = withoutRepeats(problems)
  const isUsable = !unique.some((problem) => problem.severity === 'error' && problem.jail === undefined)
  if (!isUsable || server === undefined) return { config: undefined, problems: unique }
  return { config: { dir: files.dir, server, own, jails }, problems: unique }
}

const silent = () => {}

function loadServer(files: ConfigFiles, overrides: SettingsOverrides, problems: Problem[]): ServerSettings | undefined {
  return collecting(problems, () => {
    const ini = required(files, 'fail2ban', problems)
    if (ini === undefined) return undefined
    const early = readEarlyOptions(ini, overrides, silent)
    return serverSettings(readServerOptions(ini, early, silent), problems)
  })
}

function loadOwn(files: ConfigFiles, problems: Problem[]): OwnSettings {
  const read = collecting(problems, () => files.read('tocsin', silent))
  return readOwnSettings(read?.kind === 'read' ? read.ini : undefined, problems)
}

function loadJails(files: ConfigFiles, version: string, problems: Problem[]): JailConfig[] {
  const ini = collecting(problems, () => required(files, 'jail', problems))
  if (ini === undefined) return []
  addStaticDefaults(ini, files.dir, version)
  problems.push(...misspelledOptions(ini))
  return jailNames(ini).flatMap((name) => loadJail(name, files, ini, problems) ?? [])
}

function loadJail(name: string, files: ConfigFiles, ini: MergedIni, problems: Problem[]): JailConfig | undefined {
  let isWrong = false
  const fault = (error: ConfigError) => {
    isWrong = true
    problems.push(problemOf(error, name))
  }
  const context: JailContext = { files, ini, say: silent, fault }
  try {
    const reading = readJail(name, context)
    const jail = reading && jailConfig(reading, context, problems)
    return isWrong ? undefined : jail
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    fault(error)
    return undefined
  }
}

/** Says what is missing; unreadable files are among `files.errors`. */
function required(files: ConfigFiles, base: string, problems: Problem[]): MergedIni | undefined {
  const reading = files.read(base, silent)
  if (reading.kind === 'read') return reading.ini
  if (reading.kind === 'missing') {
    const message = `there is no ${base}.conf in ${files.dir}`
    problems.push({ severity: 'error', message, origin: { file: `${files.dir}/${base}.conf`, line: 0 } })
  }
  return undefined
}

function collecting<T>(problems: Problem[], task: () => T): T | undefined {
  try {
    return task()
  } catch (error) {
    if (!(error instanceof ConfigError) || error instanceof JailError) throw error
    problems.push(problemOf(error))
    return undefined
  }
}

function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems.filter((problem) => {
    const key = JSON.stringify([problem.message, problem.origin, problem.jail])
    return !seen.has(key) && seen.add(key)
  })
}
