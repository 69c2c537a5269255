import type { JailSpec } from '../jail/jail-spec.js'
import type { FilterSpec } from '../match/filter-spec.js'
import type { SourceSpec } from '../source/source-spec.js'

/** A jail as a command stream describes it, with what only the files tell: our own options, which no client of Fail2ban reads. */
export function withOwnOptions<Config extends WithOwnOptions>(jail: Config, inFiles: WithOwnOptions): Config {
  const { ipv6Prefix, subnetEscalate, successBy } = inFiles.jail
  const own = {
    ...(ipv6Prefix !== undefined && { ipv6Prefix }),
    ...(subnetEscalate && { subnetEscalate }),
    ...(successBy && { successBy }),
  }
  const { successregex } = inFiles.filter
  return {
    ...jail,
    jail: { ...jail.jail, ...own },
    filter: successregex === undefined ? jail.filter : { ...jail.filter, successregex },
    source: inFiles.source.kind === 'bans' || inFiles.source.kind === 'fleet' ? inFiles.source : jail.source,
  }
}

/** The parts of a jail's configuration that hold options of ours. */
interface WithOwnOptions {
  jail: JailSpec
  filter: FilterSpec
  source: SourceSpec
}
