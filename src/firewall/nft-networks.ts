import type { NetworkCover, Piece } from './network-cover.js'
import { elementsText, type NftElement, rewriteText } from './nft-text.js'

/** Takes pieces out of an interval set and puts others in; one that goes and comes only gets its new end. */
export function networksText(
  set: string,
  cover: NetworkCover,
  { gone, come }: { gone: Piece[]; come: Piece[] },
  nowMs: number,
): string {
  const came = new Set(come.map(({ ip }) => ip.text))
  const remove = gone.filter(({ ip }) => !came.has(ip.text))
  const elements = (pieces: Iterable<Piece>) => [...pieces].map((piece) => elementOf(piece, nowMs))
  if (remove.length > 0 && come.length > 0) return rewriteText(set, elements(cover.pieces(nowMs)))
  return elementsText(set, { remove, add: elements(come) })
}

export function elementOf({ ip, endMs }: Piece, nowMs: number): NftElement {
  return { ip, remainingMs: endMs === Number.POSITIVE_INFINITY ? undefined : endMs - nowMs }
}
