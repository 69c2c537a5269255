import { type PyValue, repr } from '../lib/python-repr.js'
import { blankJail, EditError, edited } from './edit.js'
import { withAction, withProperties } from './edit-actions.js'
import type { Command } from './jail-commands.js'
import type { JailConfig } from './jail-config.js'
import { asText } from './value.js'

/** What a stream of commands makes of nothing (spec 1.11): the reverse of `commandStream`. */
export interface StreamReading {
  /** In the order in which they are added. */
  jails: readonly JailConfig[]
  /** Names of the jails that are started in the end. */
  started: ReadonlySet<string>
  /** Of the server: `['loglevel', 'INFO']`. */
  settings: readonly (readonly [name: string, value: PyValue])[]
  /** `config-error` texts, and commands that cannot be. */
  errors: readonly string[]
}

/** Reads the whole stream; wrong commands are told, each with its jail, and leave that jail out. */
export function jailsOfStream(stream: readonly Command[]): StreamReading {
  const jails = new Map<string, JailConfig>()
  const started = new Set<string>()
  const settings: [string, PyValue][] = []
  const errors: string[] = []
  for (const command of stream) {
    const [verb, subject, ...rest] = command
    const name = asText(subject ?? '')
    const jail = jails.get(name)
    try {
      if (verb === 'add') jails.set(name, blankJail(name, asText(rest[0] ?? 'auto')))
      else if (verb === 'start') started.add(name)
      else if (verb === 'config-error') errors.push(name)
      else if ((verb === 'set' || verb === 'multi-set') && jail) jails.set(name, changed(jail, verb, rest))
      else if (verb === 'set' && rest.length === 1) settings.push([name, rest[0] ?? null])
      else errors.push(`Invalid command: ${repr(command).slice(0, 200)}`)
    } catch (error) {
      if (!(error instanceof EditError)) throw error
      jails.delete(name)
      errors.push(`Jail '${name}' skipped, because of wrong configuration: ${error.message}`)
    }
  }
  return { jails: [...jails.values()], started, settings, errors }
}

function changed(jail: JailConfig, verb: 'set' | 'multi-set', [option, ...args]: readonly PyValue[]): JailConfig {
  const [first, second, third] = args
  if (option === 'addaction')
    return withAction(jail, asText(first ?? ''), second === undefined ? undefined : asText(second))
  if (option !== 'action') return edited(jail, asText(option ?? ''), args)
  const pairs = verb === 'multi-set' && Array.isArray(second) ? second : [[second ?? '', third ?? null]]
  return withProperties(jail, asText(first ?? ''), pairs.flatMap(pairOf))
}

function pairOf(pair: PyValue): [string, string][] {
  return Array.isArray(pair) ? [[asText(pair[0] ?? ''), asText(pair[1] ?? null)]] : []
}
