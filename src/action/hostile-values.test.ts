import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ActionKit, action, freshFile as fresh } from './action-kit.js'

const id = '203.0.113.7'

describe('a value of an attacker', () => {
  const attacks = [
    '$(touch CANARY)',
    '`touch CANARY`',
    '; touch CANARY',
    '\n touch CANARY\n',
    '| touch CANARY',
    `' ; touch CANARY ; '`,
    '" ; touch CANARY ; "',
    '&& touch CANARY',
    '\r\n~!touch CANARY',
    '\0; touch CANARY',
    '<ip> <matches> $f2bV_F_user $0',
    '> CANARY',
    '\n~!\n',
    '\\',
    `${'ü€𝒳'.repeat(9000)};`,
    'a'.repeat(200_000),
    `${'b '.repeat(100_000)};touch CANARY`,
    '-e -n %s %n',
    '\u001b]0;x\u0007',
  ] as const

  it('reaches the command whole and is never run, whatever tag it comes by', async () => {
    const canary = fresh()
    const out = fresh()
    const kit = new ActionKit()
    const tags = ['ip', 'fid', 'matches', 'ipmatches', 'ipjailmatches', 'F-USER', 'F-A-B', 'F-*', 'raw-ticket', 'nope']
    const script = tags.map((tag) => `printf %s "<${tag}>" > ${out}-${tag.replace('*', 'all')}`).join('\n')
    kit.jail('jail', [action('x', { actionban: script })])
    for (const attack of attacks) {
      const text = attack.replaceAll('CANARY', canary)
      kit.ban('jail', text, { lines: [text], data: { user: text, 'a-b': text } })
      await kit.settled()
      const got = readFileSync(`${out}-F-USER`, 'utf8')
      const sent = text.replaceAll('\0', '')
      // What is too long for one argument of a program keeps its end.
      assert(
        Buffer.byteLength(sent) > 120_000 ? sent.endsWith(got) && got.length > 39_000 : got === sent,
        JSON.stringify(attack.slice(0, 80)),
      )
      assert.equal(readFileSync(`${out}-matches`, 'utf8'), got)
      assert.equal(readFileSync(`${out}-nope`, 'utf8'), '<nope>')
      assert.equal(existsSync(canary), false, JSON.stringify(attack.slice(0, 80)))
    }
    assert.deepEqual(
      kit.logged.map((line) => line.slice(0, 300)),
      [],
    )
  })

  it('cannot take the place of another', async () => {
    const out = fresh()
    const kit = new ActionKit()
    kit.jail('jail', [action('x', { actionban: `printf '%s\\n' "<F-A_B>" "<F-A-B>" "<F-A_B>" > ${out}` })])
    kit.ban('jail', id, { data: { a_b: '*one', 'a-b': '*two' } })
    await kit.settled()
    assert.equal(readFileSync(out, 'utf8'), '*one\n*two\n*one\n')
  })

  it('fits in more than ten variables', async () => {
    const out = fresh()
    const names = Array.from({ length: 12 }, (_, i) => `x${i}`)
    const kit = new ActionKit()
    kit.jail('jail', [
      action('x', {
        actionban: `printf '%s ' ${names.map((name) => `"<F-${name.toUpperCase()}>"`).join(' ')} > ${out}`,
      }),
    ])
    kit.ban('jail', id, { data: Object.fromEntries(names.map((name) => [name, `*${name}`])) })
    await kit.settled()
    assert.equal(readFileSync(out, 'utf8'), names.map((name) => `*${name} `).join(''))
  })
})
