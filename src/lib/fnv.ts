/** FNV-1a, 32 bits, of a text's UTF-16 units (draft-eastlake-fnv): it tells a difference, and withstands nobody. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
