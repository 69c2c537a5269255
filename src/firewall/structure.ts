import { createHash } from 'node:crypto'
import type { NftConnection } from './netlink/connection.js'
import { type Message, NLM_F_DUMP, netfilterAttributes, textOf } from './netlink/message.js'
import { NFPROTO_INET, type NftMessageKind } from './netlink/nftables.js'

const NFTA_TABLE = 1
/** struct nfgenmsg; its number of the rule set's generation changes all the time. */
const genericBytes = 4

/**
 * What stands for the table's chains, rules and sets as they are now, their elements aside. The kernel gives every rule a number that it
 * has never had, so a rule that was taken out and put back is another one. Equal only if nobody has changed anything; '' without table.
 */
export function structureOf(connection: NftConnection): string {
  const hash = createHash('sha256')
  let isEmpty = true
  for (const kind of ['GETCHAIN', 'GETRULE'] as const)
    connection.ask(
      (writer) => {
        writer.begin(kind satisfies NftMessageKind, NLM_F_DUMP, `the structure of table ${connection.table}`)
        writer.out.end()
      },
      (message) => {
        if (!isIn(message, connection.table)) return
        isEmpty = false
        hash.update(message.body.subarray(genericBytes))
      },
    )
  return isEmpty ? '' : hash.digest('base64')
}

/** The kernel tells those of all tables where it does not know how to choose. */
function isIn(message: Message, table: string): boolean {
  return message.body[0] === NFPROTO_INET && textOf(netfilterAttributes(message).get(NFTA_TABLE)) === table
}
