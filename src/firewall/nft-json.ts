import { type Ip, parseIp } from '../domain/address.js'

/** What `nft -j` says, read without trust in its shape: libnftables-json(5), and versions differ. */
export interface ListedElement {
  ip: Ip
  /** Whole seconds, rounded down; undefined: it stays. */
  remainingMs: number | undefined
  packets: number
  bytes: number
}

/** Names of the sets of a table, anonymous ones left out. */
export function setNamesIn(json: string): string[] {
  return objectsIn(json, 'set').flatMap((set) =>
    typeof set.name === 'string' && !set.name.startsWith('__') ? [set.name] : [],
  )
}

/** Names of the chains of a table. */
export function chainNamesIn(json: string): string[] {
  return objectsIn(json, 'chain').flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
}

/** Names of the counters of a table that have one. */
export function counterNamesIn(json: string): string[] {
  return objectsIn(json, 'counter').flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
}

/** What they have counted. */
export function countersIn(json: string): Map<string, { packets: number; bytes: number }> {
  const found = new Map<string, { packets: number; bytes: number }>()
  for (const { name, packets, bytes } of objectsIn(json, 'counter'))
    if (typeof name === 'string') found.set(name, { packets: numberIn(packets), bytes: numberIn(bytes) })
  return found
}

/** Elements of the sets in the answer, by set; what is neither an address nor a network is left out. */
export function listedElements(json: string): Map<string, ListedElement[]> {
  const bySet = new Map<string, ListedElement[]>()
  for (const { name, elem } of objectsIn(json, 'set')) {
    const elements: unknown[] = Array.isArray(elem) ? elem : []
    if (typeof name === 'string')
      bySet.set(
        name,
        elements.flatMap((element) => listedElement(element) ?? []),
      )
  }
  return bySet
}

function listedElement(element: unknown): ListedElement | undefined {
  const inner = fieldsOf(fieldsOf(element)?.elem)
  const ip = ipIn(inner === undefined ? element : inner.val)
  if (ip === undefined) return undefined
  const counter = fieldsOf(inner?.counter)
  const expires = inner?.expires
  return {
    ip,
    remainingMs: typeof expires === 'number' ? expires * 1000 : undefined,
    packets: numberIn(counter?.packets),
    bytes: numberIn(counter?.bytes),
  }
}

function ipIn(value: unknown): Ip | undefined {
  if (typeof value === 'string') return parseIp(value)
  const prefix = fieldsOf(fieldsOf(value)?.prefix)
  if (typeof prefix?.addr === 'string' && typeof prefix.len === 'number') return parseIp(`${prefix.addr}/${prefix.len}`)
  return undefined
}

function objectsIn(json: string, kind: string): Record<string, unknown>[] {
  const list = fieldsOf(JSON.parse(json))?.nftables
  const found: Record<string, unknown>[] = []
  for (const item of Array.isArray(list) ? list : []) {
    const fields = fieldsOf(fieldsOf(item)?.[kind])
    if (fields !== undefined) found.push(fields)
  }
  return found
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function numberIn(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
