import assert from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { runChild } from './child.js'
import { shellArgv } from './shell-script.js'

const only = (name: string, value: string) => (tag: string) => (tag === name ? value : undefined)

describe('shellArgv', () => {
  it('inserts what is harmless and leaves unknown tags alone', () => {
    assert.deepEqual(shellArgv('echo <ip> <nope> <STDIN>', only('ip', '192.0.2.1')), [
      '/bin/sh',
      '-c',
      'echo 192.0.2.1 <nope> <STDIN>',
    ])
  })

  it('hands over what the shell could understand as a variable', () => {
    assert.deepEqual(shellArgv('echo "<F-USER>" <F-USER>', only('F-USER', '$(id)')), [
      '/bin/sh',
      '-c',
      'f2bV_F_USER=$' + '{0} \necho "$f2bV_F_USER" $f2bV_F_USER',
      '$(id)',
    ])
  })

  it('gives each of more than ten values its own place', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `t${i}`)
    const argv = shellArgv(
      names.map((name) => `"<${name}>"`).reduce((all, one) => `${all} ${one}`, 'printf "%s\\n"'),
      (name) => (names.includes(name) ? `'${name}'` : undefined),
    )
    assert.equal((await runChild(argv, { timeoutMs: 5000 })).stdout, names.map((name) => `'${name}'\n`).join(''))
  })

  it('never runs a value, whatever it holds', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-shell-'))
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
      const { stdout } = await runChild(shellArgv('printf %s "<x>"', only('x', attack)), { timeoutMs: 5000 })
      assert.equal(stdout, attack.replaceAll('\0', ''), JSON.stringify(attack))
    }
    assert.equal(existsSync(bait), false)
  })

  it('passes any text with special characters whole', async () => {
    const hostile = fc
      .string({ unit: fc.constantFrom(...`\\#&;\`|*?~<>^()[]{}$'"\n\r ab%!=`) })
      .map((text) => `;${text}`)
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const { stdout } = await runChild(shellArgv('printf %s "<x>"', only('x', text)), { timeoutMs: 5000 })
        assert.equal(stdout, text)
      }),
      { numRuns: 60 },
    )
  })
})
