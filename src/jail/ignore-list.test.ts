import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIp } from '../domain/address.js'
import { IgnoreList, parseIgnoreEntry } from './ignore-list.js'

const listOf = (...texts: string[]) =>
  new IgnoreList({
    entries: texts.map(parseIgnoreEntry),
    resolve: (name) => (name === 'home.example.org' ? [parseIp('198.51.100.7') ?? assert.fail()] : undefined),
    readList: (path) => (path === '/etc/allowed' ? ['203.0.113.0/24', '203.0.112.1'].map(parseIgnoreEntry) : []),
  })

describe('IgnoreList', () => {
  it('covers addresses, networks, names and listed files, each with its word for the log', () => {
    const list = listOf('192.0.2.1', '10.0.0.0/8', 'home.example.org', 'file:///etc/allowed', '2001:db8::/32')
    const table: [string, string | undefined][] = [
      ['192.0.2.1', 'ip'],
      ['192.0.2.2', undefined],
      ['10.1.2.3', 'ip'],
      ['10.1.0.0/16', 'ip'],
      ['11.0.0.1', undefined],
      ['198.51.100.7', 'dns'],
      ['203.0.113.9', 'file:/etc/allowed'],
      ['203.0.112.1', 'file:/etc/allowed'],
      ['2001:db8::5', 'ip'],
      ['some user', undefined],
    ]
    for (const [id, word] of table) assert.equal(list.covers(id), word, id)
  })

  it('covers nothing by a name that is not resolved', () => {
    assert.equal(listOf('nowhere.example.org').covers('198.51.100.7'), undefined)
  })

  it('reads file entries in all their spellings', () => {
    for (const text of ['file:/etc/x', 'file:///etc/x'])
      assert.deepEqual(parseIgnoreEntry(text), { kind: 'file', path: '/etc/x' })
    for (const text of ['file:rel/x', 'file://rel/x'])
      assert.deepEqual(parseIgnoreEntry(text), { kind: 'file', path: 'rel/x' })
  })

  it('tells all networks it stands for', () => {
    assert.deepEqual(
      listOf('192.0.2.1', '10.0.0.0/8', 'home.example.org', 'file:/etc/allowed')
        .networks()
        .map((ip) => ip.text),
      ['192.0.2.1', '10.0.0.0/8', '198.51.100.7', '203.0.113.0/24', '203.0.112.1'],
    )
  })
})
