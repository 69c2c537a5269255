import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { enterOwnNetwork } from '../own-network.js'
import { NftConnection, NftError } from './connection.js'
import { askElements, askSets, elementsIn, writeElements } from './elements.js'
import { NFT_SET_TIMEOUT, type NftWriter } from './nftables.js'
import { SystemError } from './socket.js'

const skip = (await enterOwnNetwork()) ?? false
const set = 'v4'
const addresses = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: Uint8Array.of(10, i >> 16, (i >> 8) & 255, i & 255) }))

describe('a talk with nf_tables', { skip }, () => {
  let connection: NftConnection

  before(() => {
    connection = new NftConnection('talk')
    connection.transact((writer) => {
      writer.newTable()
      writer.newSet({ name: set, flags: NFT_SET_TIMEOUT, keyType: 'ipv4_addr', keyBytes: 4, id: 1, counted: true })
    })
  })

  after(() => {
    connection.transact((writer) => writer.delTable())
    connection.close()
  })

  const size = () => {
    let count = 0
    const question = (writer: NftWriter) => askElements(writer, set)
    connection.ask(question, (message) => {
      count += elementsIn(message).length
    })
    return count
  }

  it('does all of a transaction of many messages, or nothing when the last is refused', () => {
    connection.transact((writer) => writeElements(writer, { kind: 'NEWSETELEM', set, elements: addresses(30_000) }))
    assert.equal(size(), 30_000)
    assert.throws(
      () =>
        connection.transact((writer) => {
          writeElements(writer, { kind: 'DELSETELEM', set, elements: addresses(30_000) })
          writer.delSet('nobody')
        }),
      (error) => error instanceof NftError && error.code === 'ENOENT' && error.refused === 'DELSET of set nobody',
    )
    assert.equal(size(), 30_000)
  })

  it('says where in a message the kernel found what it refuses', () => {
    assert.throws(
      () => connection.transact((writer) => writer.newChain('x'.repeat(1_000))),
      (error) => error instanceof NftError && error.refused.startsWith('NEWCHAIN') && (error.offset ?? 0) > 0,
    )
  })

  it('goes on after more refusals than the socket can hold, and has changed nothing', () => {
    const held = size()
    assert.throws(
      () =>
        connection.transact((writer) => {
          writeElements(writer, { kind: 'NEWSETELEM', set, elements: [{ key: Uint8Array.of(192, 0, 2, 1) }] })
          for (let i = 0; i < 50_000; i++) writer.delSet(`nobody-${i}`)
        }),
      { name: 'SystemError', code: 'ENOBUFS' },
    )
    for (let i = 0; i < 3; i++) assert.equal(size(), held)
    connection.transact((writer) =>
      writeElements(writer, { kind: 'NEWSETELEM', set, elements: [{ key: Uint8Array.of(192, 0, 2, 1) }] }),
    )
    assert.equal(size(), held + 1)
  })

  it('takes no answer to a question that was given up for one to the next', () => {
    const question = (writer: NftWriter) => askElements(writer, set)
    for (let i = 0; i < 5; i++) {
      const reading = connection.dump(question, () => {})
      assert.equal(reading.next().done, false, 'more than one datagram')
      const names: string[] = []
      connection.ask(askSets, (message) => names.push(String(message.type & 0xff)))
      assert.equal(names.length, 1)
    }
  })

  it('refuses what is larger than the socket takes, before the kernel sees any of it', () => {
    const held = size()
    const elements = new Array<{ key: Uint8Array }>(Math.ceil(connection.sendBytesMax / 16)).fill({
      key: new Uint8Array(4),
    })
    assert.throws(
      () => connection.transact((writer) => writeElements(writer, { kind: 'NEWSETELEM', set, elements })),
      (error) => error instanceof SystemError && error.code === 'EMSGSIZE',
    )
    assert.equal(size(), held)
  })
})
