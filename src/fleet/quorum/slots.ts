/** What one node has told of one address. */
export interface Slot {
  node: number
  /** Whether this node's word does something by itself. */
  isAlone: boolean
  /** For each rung: when it was last told that the count is that high; -Infinity: never. */
  timesMs: Float64Array
}

/** The newest nodes of many addresses, in typed arrays that grow by doubling: 5 + 8 × rungs bytes for each of its slots. */
export class Slots {
  readonly #slots: number
  readonly #rungs: number
  /** Number of the node plus one; 0: empty. */
  #nodes = new Uint32Array(0)
  #isAlone = new Uint8Array(0)
  #timesMs = new Float64Array(0)
  readonly #free: number[] = []
  #rows = 0

  constructor({ slots, rungs }: { slots: number; rungs: number }) {
    this.#slots = slots
    this.#rungs = rungs
  }

  /** A row without nodes. */
  take(): number {
    const row = this.#free.pop() ?? this.#rows++
    if ((row + 1) * this.#slots > this.#nodes.length) this.#grow(Math.max(64, row * 2))
    return row
  }

  release(row: number): void {
    for (let slot = row * this.#slots; slot < (row + 1) * this.#slots; slot++) this.#clear(slot)
    this.#free.push(row)
  }

  *of(row: number): Iterable<Slot> {
    for (let slot = row * this.#slots; slot < (row + 1) * this.#slots; slot++) {
      const node = this.#nodes[slot] ?? 0
      if (node === 0) continue
      yield { node: node - 1, isAlone: this.#isAlone[slot] === 1, timesMs: this.#times(slot) }
    }
  }

  /**
   * Remembers that `node` had a count of at least its rung at `atMs`; false: that was known, or is too old to matter. The larger time stays,
   * so that the order in which words come does not matter.
   */
  set(row: number, told: { node: number; rung: number; atMs: number; isAlone: boolean }): boolean {
    const slot = this.#slotFor(row, told)
    if (slot === undefined) return false
    const isNew = this.#nodes[slot] !== told.node + 1
    if (isNew) this.#clear(slot)
    this.#nodes[slot] = told.node + 1
    const isRaised = told.isAlone && this.#isAlone[slot] === 0
    if (isRaised) this.#isAlone[slot] = 1
    return this.#raise(slot, told) || isRaised
  }

  /** The node has never told anything. */
  forget(row: number, node: number): void {
    for (let slot = row * this.#slots; slot < (row + 1) * this.#slots; slot++)
      if (this.#nodes[slot] === node + 1) this.#clear(slot)
  }

  /** A count of ten is one of three as well. */
  #raise(slot: number, { rung, atMs }: { rung: number; atMs: number }): boolean {
    const first = slot * this.#rungs
    let isRaised = false
    for (let i = first; i <= first + rung; i++) {
      if (atMs <= (this.#timesMs[i] ?? 0)) continue
      this.#timesMs[i] = atMs
      isRaised = true
    }
    return isRaised
  }

  /** The slot that has the node's times, else one to have them: a free one, or that of the node heard of longest ago. Undefined: all others were heard of later. */
  #slotFor(row: number, { node, atMs }: { node: number; atMs: number }): number | undefined {
    let oldest: number | undefined
    let oldestMs = atMs
    for (let slot = row * this.#slots; slot < (row + 1) * this.#slots; slot++) {
      if (this.#nodes[slot] === node + 1) return slot
      const lastMs = this.#nodes[slot] === 0 ? Number.NEGATIVE_INFINITY : (this.#timesMs[slot * this.#rungs] ?? 0)
      if (lastMs >= oldestMs) continue
      oldest = slot
      oldestMs = lastMs
    }
    // Nobody goes who is still needed: there are as many slots as the rule asks for nodes, so the others that are left are enough for it.
    return oldest
  }

  #times(slot: number): Float64Array {
    return this.#timesMs.subarray(slot * this.#rungs, (slot + 1) * this.#rungs)
  }

  #clear(slot: number): void {
    this.#nodes[slot] = 0
    this.#isAlone[slot] = 0
    this.#timesMs.fill(Number.NEGATIVE_INFINITY, slot * this.#rungs, (slot + 1) * this.#rungs)
  }

  #grow(rows: number): void {
    const slots = rows * this.#slots
    const known = this.#nodes.length
    const [nodes, isAlone, timesMs] = [this.#nodes, this.#isAlone, this.#timesMs]
    this.#nodes = new Uint32Array(slots)
    this.#nodes.set(nodes)
    this.#isAlone = new Uint8Array(slots)
    this.#isAlone.set(isAlone)
    this.#timesMs = new Float64Array(slots * this.#rungs).fill(Number.NEGATIVE_INFINITY, known * this.#rungs)
    this.#timesMs.set(timesMs)
  }
}
