import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { tempDir } from '../../test/kit/temp-dir.js'
import { runChild } from './child.js'
import { argvOf, fieldsOf, printed, shellCommand } from './shell-command.js'

type Values = Readonly<Record<string, string>>

/** For execve(2). Fields of a ticket are named in lower case. */
function argv(text: string, values: Values, fields: Values = {}): string[] {
  return argvOf(shellCommand(text, { value: (tag) => values[tag], field: (name) => fields[name] }))
}

async function said(text: string, values: Values, fields: Values = {}): Promise<string> {
  return (await runChild(argv(text, values, fields), { timeoutMs: 5000 })).stdout
}

describe('shellCommand', () => {
  it('inserts what is harmless and leaves unknown tags alone, but for fields', () => {
    assert.deepEqual(argv('echo <ip> <nope> <STDIN> "<F-NOPE>"', { ip: '192.0.2.1' }), [
      '/bin/sh',
      '-c',
      'echo 192.0.2.1 <nope> <STDIN> ""',
    ])
  })

  it('hands over what the shell could understand as a variable', () => {
    assert.deepEqual(argv('echo "<F-USER>" <F-USER>', {}, { user: '$(id)' }), [
      '/bin/sh',
      '-c',
      'f2bV_F_user=$0 \necho "$f2bV_F_user" $f2bV_F_user',
      '$(id)',
    ])
  })

  it('gives each of more than ten values its own place', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `t${i}`)
    const text = names.map((name) => `"<${name}>"`).reduce((all, one) => `${all} ${one}`, 'printf "%s\\n"')
    const values = Object.fromEntries(names.map((name) => [name, `'${name}'`]))
    assert.equal(await said(text, values), names.map((name) => `'${name}'\n`).join(''))
  })

  it('never runs a value, whatever it holds', async () => {
    const dir = tempDir()
    const bait = path.join(dir, 'executed')
    const attacks = [
      `$(touch ${bait})`,
      `\`touch ${bait}\``,
      `; touch ${bait}`,
      `\n touch ${bait}\n`,
      `| touch ${bait}`,
      `' ; touch ${bait} ; '`,
      `" ; touch ${bait} ; "`,
      `&& touch ${bait}`,
      `\r\n~!touch ${bait}`,
      `\0; touch ${bait}`,
    ]
    for (const attack of attacks) {
      assert.equal(await said('printf %s "<x>"', { x: attack }), attack.replaceAll('\0', ''), JSON.stringify(attack))
    }
    assert.equal(existsSync(bait), false)
  })

  it('passes any text with special characters whole', async () => {
    const hostile = fc
      .string({ unit: fc.constantFrom(...`\\#&;\`|*?~<>^()[]{}$'"\n\r ab%!=`) })
      .map((text) => `;${text}`)
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        assert.equal(await said('printf %s "<x>"', { x: text }), text)
      }),
      { numRuns: 60 },
    )
  })

  it('keeps fields apart whose names differ in what a variable cannot have', async () => {
    const fields = { a_b: '*one', 'a-b': '*two' }
    assert.equal(await said(`printf '%s ' "<F-A_B>" "<F-A-B>" "<F-A_B>"`, {}, fields), '*one *two *one ')
  })

  it('makes arguments that execve takes of values of any length; the longest lose their begin', async () => {
    for (const value of [`${'a'.repeat(100_000)}`, `;${'ü€𝒳'.repeat(9000)}`]) {
      const got = await said('printf %s "<x>" "<y>"', { x: value, y: value })
      const tail = got.slice(got.length / 2)
      assert.ok(got.startsWith(tail) && value.endsWith(tail) && tail.length >= Math.min(value.length, 39_000))
    }
  })

  it('prints one text for one command, and knows which fields it wants', () => {
    const command = shellCommand('x <F-A>', { value: () => undefined, field: () => `'` })
    assert.equal(printed(command), `['f2bV_F_a=$0 \\nx $f2bV_F_a', "'"]`)
    assert.deepEqual(fieldsOf(['<F-ID> <F-A-B>', '<failures>']), new Set(['fid', 'a-b', 'failures']))
  })
})
