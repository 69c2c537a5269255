import { PyTuple, type PyValue, repr } from '../../lib/python-repr.js'

/** As Python's `str()` writes it: a text is itself, all else as `repr()` has it. */
export function str(value: PyValue | undefined): string {
  return typeof value === 'string' ? value : repr(value ?? null)
}

/** The items of a list or tuple; undefined for what is neither. */
export function itemsOf(value: PyValue | undefined): readonly PyValue[] | undefined {
  if (value instanceof PyTuple) return value.items
  return isList(value) ? value : undefined
}

/** `[('Currently failed', 0), …]`: names with their values. Throws `Unforeseen` for anything else. */
export function pairsOf(value: PyValue | undefined): { name: string; value: PyValue }[] {
  return listOf(value).map((pair) => {
    const [name, content] = listOf(pair)
    if (name === undefined || content === undefined) throw new Unforeseen()
    return { name: str(name), value: content }
  })
}

/** Throws `Unforeseen` for what is no list. */
export function listOf(value: PyValue | undefined): readonly PyValue[] {
  const items = itemsOf(value)
  if (items === undefined) throw new Unforeseen()
  return items
}

/** `{'sshd': …}`. Throws `Unforeseen` for anything else. */
export function entriesOf(value: PyValue | undefined): [string, PyValue][] {
  if (typeof value !== 'object' || value === null || itemsOf(value) !== undefined) throw new Unforeseen()
  return Object.entries(value)
}

/** An answer that has not the form which belongs to its command. */
export class Unforeseen extends Error {}

function isList(value: PyValue | undefined): value is readonly PyValue[] {
  return Array.isArray(value)
}
