import type { OwnSettings } from '../../config/own-settings.js'
import { parseIp } from '../../domain/address.js'
import type { JudgeRules } from '../../fleet/trust/judge.js'
import { limitsOf } from '../../fleet/trust/limits.js'

/** How far members are believed, as `[fleet]` says. */
export function judgeRulesOf({ limits, member_limits, canaries }: OwnSettings['fleet']): JudgeRules {
  return {
    limits: limitsOf(limits),
    ofMembers: new Map(Object.entries(member_limits)),
    canaries: canaries.flatMap(({ value }) => parseIp(value) ?? []),
  }
}
