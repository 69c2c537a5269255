/** What a pickle has put aside, by number. Numbers in order, which are nearly all, cost no more than a list. */
export class PickleMemo<T> {
  readonly #inOrder: T[] = []
  readonly #others = new Map<number, T>()

  /** Under the next number, which is how many there are. */
  add(value: T): void {
    this.set(this.#inOrder.length + this.#others.size, value)
  }

  set(key: number, value: T): void {
    if (key <= this.#inOrder.length && !this.#others.has(key)) this.#inOrder[key] = value
    else this.#others.set(key, value)
  }

  get(key: number): T | undefined {
    return this.#inOrder[key] ?? this.#others.get(key)
  }
}
