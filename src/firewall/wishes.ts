import type { Scope } from '../domain/enforcer.js'
import { hasVerdictChain } from './layout.js'

/** How the firewall could be arranged. */
export interface Wish {
  scopes: readonly Scope[]
  ingress: readonly string[]
  /** What is lost of what was asked for, as a sentence; undefined: nothing. */
  loss: string | undefined
}

/**
 * What to try, best first: everything as asked; then what every kernel can. Kernels differ in what they can at which hook, and have
 * parts of it in modules that may be missing, so trying says more than a version. A ban that drops is better than none that rejects.
 */
export function wishes(scopes: readonly Scope[], ingress: readonly string[]): Wish[] {
  const all: Wish[] = [{ scopes, ingress, loss: undefined }]
  const noIngress = 'the ingress hook: packets are kept out before routing'
  if (ingress.length > 0) all.push({ scopes, ingress: [], loss: `This kernel refuses ${noIngress}` })
  if (!scopes.some(isFancy)) return all
  const plain = scopes.map(({ jail, ports, protocols, isCounted = true }) => ({ jail, ports, protocols, isCounted }))
  const noReject = 'rejecting or logging before routing: packets are dropped'
  if (ingress.length > 0) all.push({ scopes: plain, ingress, loss: `This kernel refuses ${noReject}` })
  all.push({ scopes: plain, ingress: [], loss: `This kernel refuses ${noReject}` })
  return all
}

function isFancy(scope: Scope): boolean {
  return scope.verdict === 'reject' || hasVerdictChain(scope)
}
