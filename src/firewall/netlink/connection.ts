import { errnoName } from '../../lib/libc.js'
import {
  attributesIn,
  type Message,
  MessageWriter,
  messagesIn,
  NLM_F_ACK,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  readHost32,
  readHostSigned32,
  textOf,
} from './message.js'
import { NftWriter } from './nftables.js'
import { NetlinkSocket } from './socket.js'

const NLMSGERR_ATTR_MSG = 1
const NLMSGERR_ATTR_OFFS = 2
const NLM_F_ACK_TLVS = 0x200
/** struct nlmsgerr with NETLINK_CAP_ACK: the errno and the head of the message in question. */
const errorHeadBytes = 20
const sequenceMax = 0x7000_0000
/** A buffer that a big transaction made larger than this is let go afterwards. */
const keptBytesMax = 1 << 20

/** nf_tables refused a message. Nothing of its transaction has happened. */
export class NftError extends Error {
  readonly code: string
  /** Which message, in words: `NEWSETELEM of elements of set v4-sshd`. */
  readonly refused: string
  /** Where in that message the kernel found what it did not like; undefined when it does not say. */
  readonly offset: number | undefined

  constructor(refused: string, answer: Answer) {
    const code = errnoName(-answer.errno)
    const words = answer.text === '' ? '' : `: ${answer.text}`
    super(`nf_tables refused ${refused}: ${code}${words}${hints[code] ?? ''}`)
    this.name = 'NftError'
    this.code = code
    this.refused = refused
    this.offset = answer.offset
  }
}

const hints: Record<string, string> = {
  EPERM: ' (needs root or CAP_NET_ADMIN in this network namespace)',
  ENOENT: ' (table, set or element is gone: another program removed it, or nothing was arranged yet)',
  EEXIST: ' (there is one of that name already, made differently)',
  EBUSY: ' (still in use by a rule)',
  ENOTSUP: ' (this kernel lacks it: CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET are needed)',
  ENOMEM: ' (out of kernel memory)',
  ENFILE: ' (the set is full)',
}

interface Answer {
  sequence: number
  /** 0 or negative. */
  errno: number
  text: string
  offset: number | undefined
}

/** A talk with nf_tables about one table: transactions, and questions. Every call is done when it returns. */
export class NftConnection {
  readonly table: string
  readonly #socket = new NetlinkSocket()
  #out = new MessageWriter()
  #sequence = 1

  constructor(table: string) {
    this.table = table
  }

  get sendBytesMax(): number {
    return this.#socket.sendBytesMax
  }

  /** By which changes that were made over this connection can be told from others'. */
  get portId(): number {
    return this.#socket.portId
  }

  /** Sends what `fill` writes as one batch: it happens as a whole, or NftError (SystemError) is thrown and nothing changed. */
  transact(fill: (writer: NftWriter) => void): void {
    const { writer, asked } = this.#batch(fill)
    this.#socket.send(writer.out.bytes)
    this.#readAcknowledgement(writer, asked)
  }

  /** As `transact`, while other work goes on. NOTE: nothing else may be sent meanwhile. */
  async transactAside(fill: (writer: NftWriter) => void): Promise<void> {
    const { writer, asked } = this.#batch(fill)
    // Done again here, it says why it fails; what was refused has not happened.
    if (!(await this.#socket.sendAside(writer.out.bytes))) this.#socket.send(writer.out.bytes)
    this.#readAcknowledgement(writer, asked)
  }

  /** Asks one question and hands each message of the answer to `visit`. Undefined when there is no such thing (ENOENT). */
  ask(fill: (writer: NftWriter) => void, visit: (message: Message) => void): { isConsistent: boolean } | undefined {
    const talk = this.dump(fill, visit)
    for (let step = talk.next(); ; step = talk.next()) if (step.done) return step.value
  }

  /**
   * As `ask`, a datagram a step, so that a long answer can be read in pieces. A step may be given the datagram, from `receiveAside`.
   * NOTE: nothing else may be sent meanwhile.
   */
  *dump(
    fill: (writer: NftWriter) => void,
    visit: (message: Message) => void,
  ): Generator<undefined, { isConsistent: boolean } | undefined, Buffer | undefined> {
    const writer = this.#writer()
    fill(writer)
    writer.out.addFlags(NLM_F_ACK)
    this.#socket.dropInbox()
    const sequence = writer.nextSequence - 1
    const described = writer.describe(sequence)
    this.#socket.send(writer.out.bytes)
    let isConsistent = true
    let given: Buffer | undefined
    for (;;) {
      const datagram = given ?? this.#socket.receive()
      if (datagram === undefined) throw new Error(`nf_tables gave no end of its answer to ${described}`)
      for (const message of messagesIn(datagram)) {
        if (message.sequence !== sequence) continue
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) isConsistent = false
        if (message.type === NLMSG_DONE) return { isConsistent }
        if (message.type !== NLMSG_ERROR) visit(message)
        else {
          const answer = answerOf(message)
          if (answer.errno === 0) return { isConsistent }
          if (errnoName(-answer.errno) === 'ENOENT') return undefined
          throw new NftError(described, answer)
        }
      }
      given = yield
    }
  }

  /** The next piece of a long answer, waited for on another thread. */
  receiveAside(): Promise<Buffer | undefined> {
    return this.#socket.receiveAside()
  }

  close(): void {
    this.#socket.close()
  }

  /** `asked`: the number of the message that the kernel is to say yes to. */
  #batch(fill: (writer: NftWriter) => void): { writer: NftWriter; asked: number } {
    const writer = this.#writer()
    writer.batchBegin()
    fill(writer)
    const asked = writer.nextSequence - 1
    writer.batchEnd()
    this.#socket.dropInbox()
    return { writer, asked }
  }

  #writer(): NftWriter {
    if (this.#out.capacity > keptBytesMax) this.#out = new MessageWriter()
    this.#out.reset()
    return new NftWriter(this.#out, this.table, this.#nextSequence)
  }

  get #nextSequence(): number {
    // Far apart, so that a late answer to an earlier batch is never taken for one to this.
    this.#sequence = this.#sequence > sequenceMax ? 1 : this.#sequence + 0x10000
    return this.#sequence
  }

  #readAcknowledgement(writer: NftWriter, asked: number): void {
    let isAcknowledged = false
    let refusal: Answer | undefined
    for (let datagram = this.#socket.receive(); datagram !== undefined; datagram = this.#socket.receive()) {
      for (const message of messagesIn(datagram)) {
        if (message.type !== NLMSG_ERROR) continue
        const answer = answerOf(message)
        if (answer.errno !== 0) refusal ??= answer
        else if (answer.sequence === asked) isAcknowledged = true
      }
    }
    if (refusal !== undefined) throw new NftError(writer.describe(refusal.sequence), refusal)
    if (!isAcknowledged)
      throw new Error(`nf_tables did not answer ${writer.describe(asked)}: whether it was done is unknown`)
  }
}

function answerOf(message: Message): Answer {
  const { body } = message
  if (body.length < 4) throw new Error('nf_tables sent an answer without an errno')
  const tlvs = (message.flags & NLM_F_ACK_TLVS) !== 0 ? attributesIn(body.subarray(errorHeadBytes)) : undefined
  const offset = tlvs?.get(NLMSGERR_ATTR_OFFS)
  return {
    sequence: message.sequence,
    errno: readHostSigned32(body, 0),
    text: textOf(tlvs?.get(NLMSGERR_ATTR_MSG)),
    offset: offset !== undefined && offset.length >= 4 ? readHost32(offset, 0) : undefined,
  }
}
