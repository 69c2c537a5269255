import type { Enforcer, TimedClosure } from '../domain/enforcer.js'

/** Fewer are closed before another thread is at it: 0.1 ms. */
const asideMin = 100

/** On another thread, where it is worth it and the enforcer can: for whoever knows that nothing else changes them meanwhile. */
export async function closeMany(enforcer: Enforcer, closures: readonly TimedClosure[]): Promise<void> {
  if (closures.length === 0) return
  const aside = closures.length >= asideMin ? enforcer.closeAside?.(closures) : undefined
  await (aside ?? enforcer.close(closures))
}
