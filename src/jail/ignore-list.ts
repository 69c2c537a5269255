import { contains, type Ip, isSingleAddress, parseIp } from '../domain/address.js'

/** What an `ignoreip` entry resolves to, and by which of Fail2ban's words an ignored failure is logged (spec 3.9). */
export type IgnoreEntry =
  | { kind: 'ip'; ip: Ip }
  | { kind: 'dns'; name: string }
  | { kind: 'file'; path: string }
  | { kind: 'raw'; id: string }

export interface IgnoreListOptions {
  entries: readonly IgnoreEntry[]
  /** The addresses a name stands for at present, from a cache; undefined while not known. */
  resolve(name: string): readonly Ip[] | undefined
  /** The entries of a `file:` list at present. */
  readList(path: string): readonly IgnoreEntry[]
}

export function parseIgnoreEntry(text: string): IgnoreEntry {
  if (text.startsWith('file:')) return { kind: 'file', path: text.slice(5).replace(/^\/\//, '') }
  const ip = parseIp(text)
  if (ip !== undefined) return { kind: 'ip', ip }
  return /^[\w.-]*[A-Za-z][\w.-]*$/.test(text) ? { kind: 'dns', name: text } : { kind: 'raw', id: text }
}

/** Who a jail never bans by its own counting: addresses, networks, names, lists. Exact addresses are one look-up. */
export class IgnoreList {
  readonly #exact = new Set<string>()
  readonly #exactNetworks: Ip[] = []
  readonly #others: IgnoreEntry[] = []
  readonly #options: IgnoreListOptions
  /** `networks()`, where names and files cannot change it: it is asked for with every ban, 100,000 times at a restart. */
  readonly #fixed: readonly Ip[] | undefined
  #last: { id: string; ip: Ip | undefined } = { id: '', ip: undefined }

  constructor(options: IgnoreListOptions) {
    this.#options = options
    for (const entry of options.entries) {
      if (entry.kind === 'ip' && isSingleAddress(entry.ip)) {
        this.#exact.add(entry.ip.text)
        this.#exactNetworks.push(entry.ip)
      } else this.#others.push(entry)
    }
    const isFixed = this.#others.every(({ kind }) => kind === 'ip' || kind === 'raw')
    this.#fixed = isFixed ? this.#networks() : undefined
  }

  /** The word for the rule that covers the id, or undefined. */
  covers(id: string): string | undefined {
    if (this.#exact.has(id)) return 'ip'
    if (this.#others.length === 0) return undefined
    const ip = this.#parsed(id)
    for (const entry of this.#others) {
      const word = this.#coveredBy(entry, id, ip)
      if (word !== undefined) return word
    }
    return undefined
  }

  /** Everything the list stands for now, to be held against a network that somebody wants to ban. */
  networks(): readonly Ip[] {
    return this.#fixed ?? this.#networks()
  }

  #networks(): Ip[] {
    return [...this.#exactNetworks, ...this.#others.flatMap((entry) => this.#networksOf(entry))]
  }

  /** Failures of one address often follow each other, and reading it took 0.3 µs. */
  #parsed(id: string): Ip | undefined {
    if (this.#last.id !== id) this.#last = { id, ip: parseIp(id) }
    return this.#last.ip
  }

  #coveredBy(entry: IgnoreEntry, id: string, ip: Ip | undefined): string | undefined {
    switch (entry.kind) {
      case 'ip':
        return ip !== undefined && contains(entry.ip, ip) ? 'ip' : undefined
      case 'dns':
        return ip !== undefined && this.#networksOf(entry).some((known) => contains(known, ip)) ? 'dns' : undefined
      case 'raw':
        return entry.id === id ? 'ip' : undefined
      case 'file': {
        const covered = this.#options
          .readList(entry.path)
          .some((listed) => this.#coveredBy(listed, id, ip) !== undefined)
        return covered ? `file:${entry.path}` : undefined
      }
    }
  }

  #networksOf(entry: IgnoreEntry): readonly Ip[] {
    switch (entry.kind) {
      case 'ip':
        return [entry.ip]
      case 'dns':
        return this.#options.resolve(entry.name) ?? []
      case 'raw':
        return []
      case 'file':
        return this.#options
          .readList(entry.path)
          .flatMap((listed) => (listed.kind === 'file' ? [] : this.#networksOf(listed)))
    }
  }
}
