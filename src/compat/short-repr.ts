import { PyTuple, type PyValue, repr } from '../lib/python-repr.js'

/** The begin of what Python's `repr()` writes, made without looking at the rest: `['set', 'sshd'…]`. Somewhat longer than asked for. */
export function shortRepr(value: PyValue, characters: number): string {
  return new Begin(characters).of(value)
}

/** Marks the places where something was left out. */
const more = '…'

class Begin {
  #room: number

  constructor(characters: number) {
    this.#room = characters
  }

  of(value: PyValue): string {
    if (typeof value === 'string') return this.#text(value)
    if (Array.isArray(value)) return `[${this.#items(value)}]`
    if (value instanceof PyTuple) return `(${this.#items(value.items)}${value.items.length === 1 ? ',' : ''})`
    if (isDict(value)) {
      const entries = Object.entries(value)
      return `{${this.#joined(entries, ([key, item]) => `${this.#text(key)}: ${this.of(item)}`)}}`
    }
    return this.#counted(repr(value))
  }

  #text(text: string): string {
    return text.length <= this.#room
      ? this.#counted(repr(text))
      : this.#counted(repr(text.slice(0, Math.max(0, this.#room)))) + more
  }

  #items(items: readonly PyValue[]): string {
    return this.#joined(items, (item) => this.of(item))
  }

  #joined<T>(items: readonly T[], print: (item: T) => string): string {
    const printed: string[] = []
    for (const item of items) {
      if (this.#room <= 0) return printed.join(', ') + (printed.at(-1)?.endsWith(more) ? '' : more)
      printed.push(print(item))
    }
    return printed.join(', ')
  }

  #counted(text: string): string {
    this.#room -= text.length + 2
    return text
  }
}

function isDict(value: PyValue): value is { readonly [key: string]: PyValue } {
  return value !== null && Object.getPrototypeOf(value) === Object.prototype
}
