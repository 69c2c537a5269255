import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import type { Context } from '../context.js'
import { check } from './check.js'

const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-check-'))
after(() => rmSync(dir, { recursive: true }))
mkdirSync(path.join(dir, 'filter.d'))
const files = {
  'fail2ban.conf': '[Definition]\n',
  'filter.d/door.conf': '[Definition]\nfailregex = ^knocked by .* from <HOST>$\n  ^rang .*? from <HOST>\n',
  'jail.conf':
    '[DEFAULT]\nfilter = door\nlogpath = /dev/null\nenabled = yes\n[front]\n[back]\n[side]\nmaxretry = many\n',
}
for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, name), text)

async function run(flags: Parameters<typeof check>[0]): Promise<{ out: string; err: string[] }> {
  const out: string[] = []
  const err: string[] = []
  const context: Context = {
    process: { stdout: { write: (text) => out.push(text) }, stderr: { write: (text) => err.push(text) } },
  }
  await check.call(context, { config: dir, ...flags })
  return { out: out.join(''), err: err.join('').split('\n') }
}

describe('tocsin check --lint', () => {
  it('says errors first, then warnings, then the worst remark, and what several jails share once', async () => {
    const { err } = await run({ lint: true })
    assert.deepEqual(
      err.map((line) => line.replaceAll(`${dir}/`, '').split(': ').slice(0, 2).join(': ').slice(0, 70)),
      [
        'ERROR jail.conf:8: [side] maxretry "many" is not a whole number of at ',
        'WARNING jail.conf:5: [front] it has no action, so its bans close nothing',
        'WARNING jail.conf:6: [back] it has no action, so its bans close nothing',
        'WARNING filter.d/door.conf:3: [front, back] forgeable',
        'WARNING filter.d/door.conf:2: [front, back] cut',
        'Lint: 1 forgeable, 1 cut',
        `1 error in ${dir}`,
        '',
      ].map((line) => line.slice(0, 70)),
    )
  })

  it('has a problem for each jail in its JSON', async () => {
    const { problems } = JSON.parse((await run({ lint: true, json: true })).out)
    assert.deepEqual(
      problems.flatMap(({ jail, danger }: { jail: string; danger?: string }) =>
        danger === undefined ? [] : [[jail, danger]],
      ),
      [
        ['front', 'forgeable'],
        ['back', 'forgeable'],
        ['front', 'cut'],
        ['back', 'cut'],
      ],
    )
  })
})

describe('tocsin check', () => {
  it('says what is wrong with a regular expression beside what is wrong with another option, and with everything', async () => {
    const jail = '[front]\nenabled = yes\nfilter = gate\nlogpath = /dev/null\nmaxretry = many\n'
    for (const [jails, server, errors] of [
      [jail, '', 2],
      [jail, 'dbmaxmatches = many\n', 3],
      [jail.replace('many', '3'), '', 1],
    ] as const) {
      const other = mkdtempSync(path.join(dir, 'other-'))
      for (const [name, text] of Object.entries({ ...files, 'jail.conf': jails })) {
        mkdirSync(path.dirname(path.join(other, name)), { recursive: true })
        writeFileSync(path.join(other, name), text)
      }
      writeFileSync(path.join(other, 'filter.d/gate.conf'), '[Definition]\nfailregex = ^(knocked by <HOST>$\n')
      writeFileSync(path.join(other, 'fail2ban.conf'), `[Definition]\n${server}`)
      const { err } = await run({ config: other })
      const told = err.filter((line) => line.startsWith('ERROR'))
      assert.equal(told.length, errors, err.join('\n'))
      assert.match(told.join('\n'), /gate\.conf:2: \[front\] failregex: Unable to compile/)
    }
  })
})
