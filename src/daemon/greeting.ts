import { takeoverSentences } from '../firewall/takeover.js'
import { version } from '../lib/version.js'
import type { State } from './state.js'

/** What somebody who has just started the daemon in a terminal wants to know. */
export function greeting(state: State, restored: number): string[] {
  const { config, jails, enforcerReason, paths } = state
  const names = [...jails.keys()]
  const sentences = [
    `tocsin ${version} on ${config.dir}: ${names.length === 0 ? 'no jail is enabled' : `${names.length} jail${names.length === 1 ? '' : 's'}: ${names.join(', ')}`}`,
  ]
  sentences.push(enforcerReason.charAt(0).toUpperCase() + enforcerReason.slice(1))
  if (paths.movedTo !== undefined)
    sentences.push(`This user cannot write where the configuration says; everything is in ${paths.movedTo}`)
  if (restored > 0) sentences.push(`${restored} ban${restored === 1 ? '' : 's'} restored`)
  const idle = [...jails.values()].filter(({ parts }) => parts.shell.length + parts.notices.length > 0)
  if (state.enforcer.kind === 'simulate' && idle.length > 0)
    sentences.push(`Actions are not run either: no command, no mail (${idle.map(({ name }) => name).join(', ')})`)
  sentences.push(...takeoverSentences(new Map([...jails].map(([name, unit]) => [name, unit.closing]))))
  for (const unit of jails.values()) for (const note of unit.notes) sentences.push(`Jail ${unit.name}: ${note}`)
  return sentences
}
