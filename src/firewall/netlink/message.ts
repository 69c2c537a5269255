import { endianness } from 'node:os'

/**
 * Messages as <linux/netlink.h> lays them out: a header (struct nlmsghdr) in the machine's byte order, netfilter's own short
 * header (struct nfgenmsg), then attributes (struct nlattr), each padded to 4 bytes. nf_tables' numbers are in network order.
 */
export const NLM_F_REQUEST = 0x1
export const NLM_F_ACK = 0x4
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_DUMP = 0x300
export const NLM_F_CREATE = 0x400
export const NLM_F_APPEND = 0x800
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3

const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff
const headerBytes = 16
const genericBytes = 4
/** `nla_len` has 16 bits, so no attribute, nests included, may be longer. */
export const attributeBytesMax = 65_532

const isLittle = endianness() === 'LE'

/** Builds messages one after the other in one buffer, which grows as needed; whoever fills it keeps the bound. */
export class MessageWriter {
  #buffer: Buffer
  #length = 0
  #message = 0

  constructor(bytes = 4096) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes)
  }

  /** Everything written so far; valid until the next write. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  get length(): number {
    return this.#length
  }

  get capacity(): number {
    return this.#buffer.length
  }

  reset(): void {
    this.#length = 0
    this.#message = 0
  }

  /** Opens a message; `end` closes it. */
  begin(header: { type: number; flags: number; sequence: number; family: number; resource?: number }): void {
    this.#reserve(headerBytes + genericBytes)
    const start = this.#length
    this.#message = start
    this.#write16(start + 4, header.type)
    this.#write16(start + 6, header.flags)
    this.#write32(start + 8, header.sequence)
    this.#write32(start + 12, 0)
    this.#buffer[start + 16] = header.family
    this.#buffer[start + 17] = 0
    this.#buffer.writeUInt16BE(header.resource ?? 0, start + 18)
    this.#length = start + headerBytes + genericBytes
  }

  end(): void {
    this.#write32(this.#message, this.#length - this.#message)
  }

  /** Adds flags to the message that was ended last. */
  addFlags(flags: number): void {
    const at = this.#message + (isLittle ? 6 : 7)
    this.#buffer[at] = (this.#buffer[at] ?? 0) | flags
  }

  /** Opens an attribute that holds attributes; the returned place goes to `endNest`. */
  nest(type: number): number {
    const place = this.#length
    this.#attribute(type | NLA_F_NESTED, 0)
    return place
  }

  endNest(place: number): void {
    this.#write16(place, this.#length - place)
  }

  u32(type: number, value: number): void {
    const at = this.#attribute(type, 4)
    this.#buffer.writeUInt32BE(value >>> 0, at)
  }

  i32(type: number, value: number): void {
    const at = this.#attribute(type, 4)
    this.#buffer.writeInt32BE(value, at)
  }

  /** A number of up to 2^53, as 64 bits. */
  u64(type: number, value: number): void {
    const at = this.#attribute(type, 8)
    this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000) >>> 0, at)
    this.#buffer.writeUInt32BE((value % 0x1_0000_0000) >>> 0, at + 4)
  }

  /** Text with its NUL. */
  string(type: number, text: string): void {
    const at = this.#attribute(type, Buffer.byteLength(text) + 1)
    const written = this.#buffer.write(text, at, 'utf8')
    this.#buffer[at + written] = 0
  }

  data(type: number, bytes: Uint8Array): void {
    const at = this.#attribute(type, bytes.length)
    // Short addresses by the million: a loop is quicker than `set`.
    for (let i = 0; i < bytes.length; i++) this.#buffer[at + i] = bytes[i] ?? 0
  }

  /** Writes the header and zero padding, returns where the value goes. */
  #attribute(type: number, valueBytes: number): number {
    const padded = (valueBytes + 3) & ~3
    this.#reserve(4 + padded)
    const at = this.#length
    this.#write16(at, 4 + valueBytes)
    this.#write16(at + 2, type)
    for (let i = valueBytes; i < padded; i++) this.#buffer[at + 4 + i] = 0
    this.#length = at + 4 + padded
    return at + 4
  }

  #write16(at: number, value: number): void {
    this.#buffer[isLittle ? at : at + 1] = value & 0xff
    this.#buffer[isLittle ? at + 1 : at] = value >>> 8
  }

  #write32(at: number, value: number): void {
    if (isLittle) this.#buffer.writeUInt32LE(value >>> 0, at)
    else this.#buffer.writeUInt32BE(value >>> 0, at)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** A message from the kernel. `body` starts behind the header and is a view into the datagram. */
export interface Message {
  type: number
  flags: number
  sequence: number
  /** Of the socket that asked, or, in a notification, that made the change; 0: the kernel itself. */
  portId: number
  body: Buffer
}

/** Splits a datagram. A length that does not fit ends the reading: the kernel never sends such, a broken one is not guessed at. */
export function* messagesIn(datagram: Buffer): Generator<Message> {
  for (let at = 0; at + headerBytes <= datagram.length; ) {
    const length = readHost32(datagram, at)
    if (length < headerBytes || at + length > datagram.length) return
    yield {
      type: readHost16(datagram, at + 4),
      flags: readHost16(datagram, at + 6),
      sequence: readHost32(datagram, at + 8),
      portId: readHost32(datagram, at + 12),
      body: datagram.subarray(at + headerBytes, at + length),
    }
    at += (length + 3) & ~3
  }
}

/** Attributes by type, a repeated one by its last; `bytes` starts at the first attribute header. */
export function attributesIn(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  eachAttribute(bytes, (type, value) => found.set(type, value))
  return found
}

export function eachAttribute(bytes: Buffer, visit: (type: number, value: Buffer) => void): void {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = readHost16(bytes, at)
    if (length < 4 || at + length > bytes.length) return
    visit(readHost16(bytes, at + 2) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length))
    at += (length + 3) & ~3
  }
}

/** The first attribute of this type; what is behind it is not looked at. For long dumps of which little is wanted. */
export function attributeIn(bytes: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = readHost16(bytes, at)
    if (length < 4 || at + length > bytes.length) return undefined
    if ((readHost16(bytes, at + 2) & NLA_TYPE_MASK) === type) return bytes.subarray(at + 4, at + length)
    at += (length + 3) & ~3
  }
  return undefined
}

/** Attributes of a netfilter message: those behind its short header. */
export function netfilterAttributes(message: Message): Map<number, Buffer> {
  return attributesIn(message.body.subarray(genericBytes))
}

/** Text of an attribute, without its NUL. */
export function textOf(value: Buffer | undefined): string {
  if (value === undefined) return ''
  const end = value.indexOf(0)
  return value.toString('utf8', 0, end < 0 ? value.length : end)
}

/** A 64-bit number in network order; exact up to 2^53, which no counter of ours reaches. */
export function numberOf(value: Buffer | undefined): number {
  if (value === undefined || value.length < 4) return 0
  if (value.length < 8) return value.readUInt32BE(0)
  return value.readUInt32BE(0) * 0x1_0000_0000 + value.readUInt32BE(4)
}

export function readHost32(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
}

export function readHostSigned32(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readInt32LE(at) : bytes.readInt32BE(at)
}

function readHost16(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
}
