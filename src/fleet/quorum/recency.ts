/** In which order rows were last told about. A list with two ends in typed arrays that grow by half: 8 bytes a row. */
export class Recency {
  /** The neighbours of a row, plus one; 0: none. */
  #older = new Uint32Array(64)
  #newer = new Uint32Array(64)
  #oldest = 0
  #newest = 0

  /** -1: none. */
  get oldest(): number {
    return this.#oldest - 1
  }

  /** The next one after `row`; -1: it is the newest. */
  newerThan(row: number): number {
    return (this.#newer[row] ?? 0) - 1
  }

  /** As the newest. NOTE: it must not be there yet. */
  add(row: number): void {
    if (row >= this.#older.length) this.#grow(row)
    this.#older[row] = this.#newest
    this.#newer[row] = 0
    if (this.#newest === 0) this.#oldest = row + 1
    else this.#newer[this.#newest - 1] = row + 1
    this.#newest = row + 1
  }

  /** NOTE: it must be there. */
  delete(row: number): void {
    const older = this.#older[row] ?? 0
    const newer = this.#newer[row] ?? 0
    if (older === 0) this.#oldest = newer
    else this.#newer[older - 1] = newer
    if (newer === 0) this.#newest = older
    else this.#older[newer - 1] = older
  }

  /** It is the newest now. NOTE: it must be there. */
  renew(row: number): void {
    if (this.#newest === row + 1) return
    this.delete(row)
    this.add(row)
  }

  #grow(row: number): void {
    const rows = row + (row >> 1)
    const [older, newer] = [this.#older, this.#newer]
    this.#older = new Uint32Array(rows)
    this.#older.set(older)
    this.#newer = new Uint32Array(rows)
    this.#newer.set(newer)
  }
}
