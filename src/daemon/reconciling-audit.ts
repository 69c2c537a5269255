import type { Audit, AuditRequest, Enforcer } from '../domain/enforcer.js'

/** For enforcers that cannot look without listing everything. They also remove what nobody wants. */
export async function auditByReconciling(enforcer: Enforcer, request: AuditRequest): Promise<Audit> {
  await request.settled()
  const wanted = [...request.wanted()]
  const { added, removed } = await enforcer.reconcile(wanted)
  for (const closure of wanted) request.onFound(closure, true)
  return {
    ...nothingFound,
    wanted: wanted.length,
    enforced: wanted.length,
    missing: added,
    repaired: added,
    foreign: removed,
    removed,
  }
}

export const nothingFound: Audit = {
  wanted: 0,
  enforced: 0,
  missing: 0,
  wrongEnd: 0,
  foreign: 0,
  removed: 0,
  repaired: 0,
  rearranged: false,
  examples: { missing: [], foreign: [] },
  trouble: undefined,
  durationMs: 0,
}
