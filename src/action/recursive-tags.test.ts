import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fillRepeatedly, substituteProperties } from './recursive-tags.js'

describe('properties', () => {
  it('that grow with every step are refused', () => {
    const doubled = Array.from({ length: 40 }, (_, i) => [`v${i + 1}`, `<v${i}><v${i}>`] as const)
    const endless = /^Error: properties contain self referencing definitions .*, fail tag: v\d+, found: v\d+, value: /
    assert.throws(() => substituteProperties(new Map([['v0', 'text'], ...doubled]), ''), endless)
  })

  it('that would be more than a string can hold are refused', () => {
    const values = new Map([
      ['long', 'text'.repeat(200_000)],
      ['all', '<long>'.repeat(100_000)],
    ])
    assert.throws(() => substituteProperties(values, ''), /fail tag: all, found: long/)
    assert.throws(() => fillRepeatedly('<all>', (tag) => values.get(tag)), /unexpected too long replacement/)
  })

  it('do not look into what an attacker has written', () => {
    const values = new Map([
      ['actionban', 'log <matches> of <name>'],
      ['matches', '<name>'],
      ['name', 'one'],
    ])
    const resolved = substituteProperties(values, '')
    assert.equal(resolved.get('actionban'), 'log <matches> of one')
    assert.equal(resolved.get('matches'), '<name>')
  })
})
