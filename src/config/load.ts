import type { Problem } from '../domain/origin.js'
import { ConfigError, problemOf } from './config-error.js'
import { type JailConfig, jailConfig } from './jail-config.js'
import { type JailContext, readJail } from './jail-file.js'
import { addStaticDefaults, fail2banVersionDefault, jailNames } from './jail-sections.js'
import { misspelledOptions } from './misspelled.js'
import type { OwnSettings } from './own-settings.js'
import { ConfigFiles } from './read-order.js'
import type { ServerSettings, SettingsOverrides } from './server-options.js'
import { allProblems, collecting, isUsable, noDirectory, readSettings, required, silently } from './settings.js'

export type { JailConfig } from './jail-config.js'

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
export interface LoadResult {
  config: Config | undefined
  problems: readonly Problem[]
  /** Enabled jails that are not in `config`, with what they would have, so that a test can find everything wrong with them at once. */
  leftOut: readonly JailConfig[]
}

export interface LoadOptions {
  dir: string
  overrides?: SettingsOverrides
  fail2banVersion?: string
}

/** Reads the whole configuration. Nothing is thrown: every error of every file and jail is among the problems. */
export function loadConfig(options: LoadOptions): LoadResult {
  const files = new ConfigFiles(options.dir)
  const problems: Problem[] = []
  if (!files.exists) return { config: undefined, problems: [noDirectory(files)], leftOut: [] }
  const settings = readSettings(files, options.overrides ?? {}, problems)
  const version = options.fail2banVersion ?? fail2banVersionDefault
  const loaded = loadJails(files, { version, protect: settings?.own.protect }, problems)
  const all = loaded.map(({ jail }) => jail)
  const unique = allProblems(files, problems)
  if (settings === undefined || !isUsable(unique)) return { config: undefined, problems: unique, leftOut: all }
  const jails = loaded.filter(({ isWrong }) => !isWrong).map(({ jail }) => jail)
  const leftOut = all.filter((jail) => !jails.includes(jail))
  return { config: { dir: files.dir, ...settings, jails }, problems: unique, leftOut }
}

/** What is the same for all jails. */
interface Common {
  version: string
  protect: OwnSettings['protect'] | undefined
}

interface Loaded {
  jail: JailConfig
  isWrong: boolean
}

function loadJails(files: ConfigFiles, { version, protect }: Common, problems: Problem[]): Loaded[] {
  const ini = collecting(problems, () => required(files, 'jail', problems))
  if (ini === undefined) return []
  addStaticDefaults(ini, files.dir, version)
  problems.push(...misspelledOptions(ini))
  return jailNames(ini).flatMap((name) => loadJail(name, { files, ini, ...(protect && { protect }) }, problems) ?? [])
}

type Where = Pick<JailContext, 'files' | 'ini' | 'protect'>

function loadJail(name: string, where: Where, problems: Problem[]): Loaded | undefined {
  const before = problems.length
  const fault = (error: ConfigError) => void problems.push(problemOf(error, name))
  const context: JailContext = { ...where, say: silently, fault }
  try {
    const reading = readJail(name, context)
    const jail = reading && jailConfig(reading, context, problems)
    return jail && { jail, isWrong: problems.slice(before).some(({ severity }) => severity === 'error') }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    fault(error)
    return undefined
  }
}
