import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Scope } from '../../domain/enforcer.js'
import { runChild } from '../../lib/child.js'
import { systemClock } from '../../lib/clock.js'
import { noStrangers, writeArrangement } from '../arrangement.js'
import { everything, ssh } from '../firewall-kit.js'
import { KernelEnforcer } from '../kernel.js'
import { arrangementText, clearText } from '../nft-text.js'
import { enterOwnNetwork } from '../own-network.js'
import { writeElements } from './elements.js'
import { eachAttribute, MessageWriter, messagesIn } from './message.js'
import { NftWriter } from './nftables.js'

const skip = (await enterOwnNetwork()) ?? false
const rejecting: Scope[] = (
  ['no-route', 'port-unreachable', 'host-unreachable', 'admin-prohibited', 'tcp-reset'] as const
).flatMap((rejectWith) => [
  { ...ssh, jail: rejectWith, verdict: 'reject', rejectWith },
  { ...everything, jail: `all-${rejectWith}`, verdict: 'reject', rejectWith },
])
const logged: Scope = { ...ssh, jail: 'logged "\n\\$x', log: { packets: 10, per: 'minute' } }
const loggedAndReset: Scope = { ...logged, jail: 'l', verdict: 'reject', rejectWith: 'tcp-reset' }
const scopesInBytes = [ssh, everything, ...rejecting, logged, loggedAndReset]
const userData = 13

/** The messages that nft sends for a script, put together again from what `--debug=mnl` prints; what nft keeps for itself is left out. */
async function messagesOfNft(script: string): Promise<string[]> {
  const { stdout, stderr } = await runChild(['nft', '--debug=mnl', '-f', '-'], { stdin: script, timeoutMs: 10_000 })
  // nft colours its output.
  const lines = (stdout + stderr).replace(/\x1b\[[\d;]*m/g, '').split('\n')
  const messages: { type: number; bytes: number[] }[] = []
  for (const line of lines) {
    const type = /^\| (\d{5}) \| \S{4} \|\t\| {2}type/.exec(line)
    if (type !== null) messages.push({ type: Number(type[1]), bytes: [] })
    const attribute = /^\|(\d{5})\|(.)(.)\|(\d{5})\|/.exec(line)
    const data = /^\| ((?:[0-9a-f]{2} ){4}) \|/.exec(line)
    const bytes = messages.at(-1)?.bytes
    if (attribute !== null)
      bytes?.push(
        ...host16(Number(attribute[1])),
        ...host16(Number(attribute[4]) | (attribute[2] === 'N' ? 0x8000 : 0)),
      )
    else if (data !== null)
      bytes?.push(
        ...(data[1] ?? '')
          .trim()
          .split(' ')
          .map((hex) => Number.parseInt(hex, 16)),
      )
  }
  const isChange = ({ type }: { type: number }) => type >> 8 === 10 && [0, 3, 6, 9, 12, 18].includes(type & 0xff)
  return messages
    .filter((message) => isChange(message) && message.bytes.length > 8)
    .map(({ type, bytes }) => shown(type, Buffer.from(bytes)))
}

function messagesOfOurs(fill: (writer: NftWriter) => void): string[] {
  const out = new MessageWriter()
  fill(new NftWriter(out, 'tocsin', 1))
  return [...messagesIn(out.bytes)]
    .filter(({ type }) => [0, 3, 6, 9, 12, 18].includes(type & 0xff))
    .map(({ type, body }) => shown(type, body))
}

/** One attribute of the first level a line, in hex. */
function shown(type: number, body: Buffer): string {
  const lines = [`message ${type & 0xff} family ${body[0]}`]
  eachAttribute(body.subarray(4), (attribute, value) => {
    if (!((type & 0xff) === 9 && attribute === userData)) lines.push(`${attribute}: ${value.toString('hex')}`)
  })
  return lines.join('\n')
}

function host16(value: number): number[] {
  return [...new Uint8Array(Uint16Array.of(value).buffer)]
}

describe('messages to nf_tables', { skip }, () => {
  before(async () => {
    const argv = ['ip', 'link', 'add', 'in0', 'type', 'veth', 'peer', 'name', 'in1']
    assert.equal((await runChild(argv, { timeoutMs: 10_000 })).exitCode, 0)
  })

  for (const scope of scopesInBytes)
    it(`are byte for byte those of nft for jail ${scope.jail}`, async () => {
      await runChild(['nft', '-f', '-'], { stdin: clearText, timeoutMs: 10_000 })
      const theirs = await messagesOfNft(arrangementText({ scopes: [scope] }))
      const ours = messagesOfOurs((writer) =>
        writeArrangement(writer, { scopes: [scope], ingress: [], strangers: noStrangers, isAnew: false }),
      )
      assert.ok(theirs.length >= 10)
      // nft sends sets before rules.
      assert.deepEqual(ours.sort(), theirs.sort())
    })

  it('are byte for byte those of nft for elements', async () => {
    await runChild(['nft', '-f', '-'], { stdin: clearText + arrangementText({ scopes: [ssh] }), timeoutMs: 10_000 })
    const first = await messagesOfNft('add element inet tocsin v4-sshd { 192.0.2.1 }\n')
    const ip4 = { key: Uint8Array.of(192, 0, 2, 1) }
    const idOfSet = /\n4: \w+/
    assert.deepEqual(
      messagesOfOurs((writer) => writeElements(writer, { kind: 'NEWSETELEM', set: 'v4-sshd', elements: [ip4] })),
      first.map((text) => text.replace(idOfSet, '')),
    )
    await runChild(['nft', 'add', 'element', 'inet', 'tocsin', 'net4-sshd', '{ 10.0.0.0/24 }'], { timeoutMs: 10_000 })
    const network = await messagesOfNft('add element inet tocsin net4-sshd { 192.0.2.0/24 }\n')
    const elements = [{ key: Uint8Array.of(192, 0, 2, 0) }, { key: Uint8Array.of(192, 0, 3, 0), isEnd: true }]
    assert.deepEqual(
      messagesOfOurs((writer) => writeElements(writer, { kind: 'NEWSETELEM', set: 'net4-sshd', elements })),
      // nft numbers the elements of a list; the kernel does not look.
      network.map((text) => text.replace(idOfSet, '').replace('18000280', '18000180')),
    )
  })

  for (const ingress of [['in0'], ['in0', 'in1']])
    it(`are byte for byte those of nft for the ingress of ${ingress.join(' and ')}`, async () => {
      await runChild(['nft', '-f', '-'], { stdin: clearText, timeoutMs: 10_000 })
      const scopes = [ssh, { ...everything, verdict: 'reject' as const }]
      const theirs = await messagesOfNft(arrangementText({ scopes, ingress }))
      const ours = messagesOfOurs((writer) =>
        // nft begins with the last.
        writeArrangement(writer, {
          scopes,
          ingress: ingress.toReversed(),
          strangers: noStrangers,
          isAnew: false,
        }),
      )
      assert.deepEqual(ours.sort(), theirs.sort())
    })

  it('make what nft makes, for every kind of scope', async () => {
    const ingress = ['in0']
    const port = (first: number, last = first) => ({ first, last })
    const scopes: Scope[] = [
      ...scopesInBytes,
      { jail: 'a range', ports: [port(1000, 2000)], protocols: ['udp', 'sctp'] },
      {
        jail: 'several',
        ports: [port(80, 90), port(443), port(60000, 65535), port(0), port(85, 100)],
        protocols: ['tcp', 'udp', 'dccp'],
      },
    ]
    const ruleset = async () => {
      const { stdout } = await runChild(['nft', '-s', 'list', 'ruleset'], { timeoutMs: 10_000 })
      return stdout
    }
    await runChild(['nft', '-f', '-'], { stdin: clearText + arrangementText({ scopes, ingress }), timeoutMs: 10_000 })
    const theirs = await ruleset()
    await runChild(['nft', '-f', '-'], { stdin: clearText, timeoutMs: 10_000 })
    const enforcer = new KernelEnforcer({ clock: systemClock, ingress })
    await enforcer.arrange(scopes)
    // A list of one port is a set for nft and a comparison for us.
    assert.equal(await ruleset(), theirs.replace(/dport \{ ([\d-]+) \}/g, 'dport $1'))
    await enforcer.clear()
    enforcer.release()
  })
})

describe('the message writer', () => {
  it('splits lists that are longer than an attribute can be', () => {
    const out = new MessageWriter(64)
    const elements = Array.from({ length: 10_000 }, () => ({
      key: new Uint8Array(16),
      timeoutMs: 2 ** 40 + 1,
      isEnd: true,
    }))
    writeElements(new NftWriter(out, 'tocsin', 1), { kind: 'NEWSETELEM', set: 'x'.repeat(120), elements })
    let count = 0
    for (const { body } of messagesIn(out.bytes)) {
      assert.ok(body.length < 65_536 + 200)
      eachAttribute(body.subarray(4), (type, list) => {
        assert.ok(list.length <= 65_531)
        if (type === 3) eachAttribute(list, () => count++)
      })
    }
    assert.equal(count, elements.length)
  })

  it('writes numbers in network order, text with its NUL, and pads with zeros', () => {
    const out = new MessageWriter(20)
    out.begin({ type: 0x0a09, flags: 0x401, sequence: 7, family: 1 })
    out.u32(1, 0xfffffffe)
    out.i32(2, -300)
    out.u64(3, 18_446_744_073_708)
    out.string(4, 'abcd')
    out.endNest(out.nest(5))
    out.end()
    out.addFlags(4)
    const [message] = messagesIn(out.bytes)
    assert.deepEqual([message?.type, message?.flags, message?.sequence], [0x0a09, 0x405, 7])
    const values: string[] = []
    eachAttribute((message?.body ?? Buffer.alloc(0)).subarray(4), (type, value) =>
      values.push(`${type} ${value.toString('hex')}`),
    )
    assert.deepEqual(values, ['1 fffffffe', '2 fffffed4', '3 000010c6f7a0b5ec', '4 6162636400', '5 '])
    assert.equal(out.length % 4, 0)
  })

  it('reads no further than a length that does not fit', () => {
    const out = new MessageWriter()
    out.begin({ type: 1, flags: 0, sequence: 1, family: 0 })
    out.u32(1, 1)
    out.end()
    for (let cut = 0; cut < out.length; cut++) {
      assert.deepEqual([...messagesIn(out.bytes.subarray(0, cut))], [])
      eachAttribute(out.bytes.subarray(20, 20 + (cut % 8)), () => assert.fail())
    }
  })
})
