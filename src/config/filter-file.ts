import type { Origin } from '../domain/origin.js'
import { DefinitionFile } from './definition-file.js'
import type { MergedIni, Value } from './merged-ini.js'
import { traced } from './traced.js'
import type { Say, Template } from './typed-options.js'

/** Options that Fail2ban does not have; they are in no command stream. */
export const ownFilterTemplate: Template = [
  ['text', 'successregex'],
  ['text', 'successby'],
]

/** Options of a filter that mean something; all others are there to be referred to (spec 2.3). */
export const filterTemplate: Template = [
  ['text', 'usedns'],
  ['text', 'prefregex'],
  ['text', 'ignoreregex'],
  ['text', 'failregex'],
  ['int', 'maxlines'],
  ['text', 'datepattern'],
  ['text', 'journalmatch'],
]

/** A filter of a jail. `origin` is that of the jail's `filter` option. */
export function openFilter(parts: {
  ini: MergedIni
  args: ReadonlyMap<string, string>
  backend: string
  say: Say
  origin: Origin
}): DefinitionFile {
  const { ini, say, origin } = parts
  const args = new Map<string, Value>([...parts.args].map(([name, value]) => [name, traced(value, origin)]))
  // Log lines of files and of the journal start differently; filters choose by `logtype` (spec 1.11).
  if (!parts.args.get('logtype') && !ini.sections.get('Definition')?.has('logtype')) {
    args.set('logtype', traced(parts.backend.startsWith('systemd') ? 'journal' : 'file', origin))
  }
  return new DefinitionFile({ ini, template: filterTemplate, ownTemplate: ownFilterTemplate, args, say, origin })
}
