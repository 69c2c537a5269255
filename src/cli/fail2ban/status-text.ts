import type { PyValue } from '../../lib/python-repr.js'
import { entriesOf, itemsOf, listOf, pairsOf, str } from './python-text.js'
import { type Branch, drawTree } from './tree.js'

/**
 * `status`, `status JAIL`, `status --all` (spec 7.4). Scripts split these lines: a tab behind the colon, a blank between the items of a
 * list. Throws `Unforeseen` for a value that is no status.
 */
export function statusText(value: PyValue, jail: string | undefined): string {
  if (jail === '--all') return allText(value)
  if (jail === undefined) return ['Status', ...drawTree(pairsOf(value).map(leaf))].join('\n')
  return [`Status for the jail: ${jail}`, ...drawTree(groupsOf(value))].join('\n')
}

/** The last of the list has all jails, by name. */
function allText(value: PyValue): string {
  const parts = listOf(value)
  const jails = entriesOf(parts.at(-1))
  const all: Branch = {
    text: 'Status for the jails:',
    below: jails.map(([name, status]) => ({ text: `Jail: ${name}`, below: groupsOf(status) })),
  }
  return ['Status', ...drawTree([...pairsOf(parts.slice(0, -1)).map(leaf), all])].join('\n')
}

/** `Filter` and `Actions`, each with its figures. */
function groupsOf(value: PyValue): Branch[] {
  return pairsOf(value).map((group) => ({ text: group.name, below: pairsOf(group.value).map(leaf) }))
}

function leaf({ name, value }: { name: string; value: PyValue }): Branch {
  const items = itemsOf(value)
  return { text: `${name}:\t${items === undefined ? str(value) : items.map(str).join(' ')}` }
}
