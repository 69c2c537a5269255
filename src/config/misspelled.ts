import type { Problem } from '../domain/origin.js'
import { jailTemplate } from './jail-file.js'
import type { MergedIni } from './merged-ini.js'
import { nearest } from './nearest.js'
import { ownJailTemplate } from './own-jail-options.js'
import { originOf } from './traced.js'

/** Names that stock configurations and their documentation use as free variables. */
const customary = [
  ...['mode', 'port', 'protocol', 'chain', 'destemail', 'sender', 'sendername', 'mta', 'fail2ban_agent', 'banaction'],
  ...['banaction_allports', 'action_', 'action_mw', 'action_mwl', 'action_xarf', 'action_cf_mwl', 'action_abuseipdb'],
  ...['action_blocklist_de', 'action_badips', 'action_badips_report', 'blocktype', 'returntype', 'logtype', 'name'],
  ...['before', 'after', 'default_backend'],
]

/**
 * Warnings for options of `jail.conf` that nothing reads and that look like one that is read. Every other name is a
 * variable, and legal.
 */
export function misspelledOptions(ini: MergedIni): Problem[] {
  const known = new Set([...[...jailTemplate, ...ownJailTemplate].map(([, name]) => name), ...customary])
  const referred = referredNames(ini)
  const problems: Problem[] = []
  const inspect = (section: string, name: string, value: Parameters<typeof originOf>[0]) => {
    const meant = known.has(name) || referred.has(name) ? undefined : nearest(name, known)
    if (meant === undefined) return
    const message = `[${section}] sets "${name}", which nothing reads`
    problems.push({ severity: 'warning', message, origin: originOf(value), hint: `did you mean "${meant}"?` })
  }
  for (const [name, value] of ini.defaults) inspect('DEFAULT', name, value)
  for (const section of ini.sectionNames()) {
    if (section === 'INCLUDES') continue
    for (const [name, value] of ini.sections.get(section) ?? []) inspect(section, name, value)
  }
  return problems
}

function referredNames(ini: MergedIni): Set<string> {
  const names = new Set<string>()
  for (const section of [ini.defaults, ...ini.sections.values()]) {
    for (const value of section.values()) {
      for (const match of value.text.matchAll(/%\((?:[^)/]*\/)?([^)]+)\)s/g)) names.add((match[1] ?? '').toLowerCase())
    }
  }
  return names
}
