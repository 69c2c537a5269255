import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../../test/kit/temp-dir.js'
import { utmpRecord } from '../../test/kit/utmp.js'
import { LoginFile, layouts, parseLogins } from './login-records.js'

const v6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
const alice = { type: 7, user: 'alice', line: 'pts/0', address: [203, 0, 113, 5], timeMs: 1_700_000_000_000 }

describe('records of logins', () => {
  for (const [name, layout] of Object.entries(layouts))
    it(`are those of users from elsewhere, IPv4 and IPv6, with ${name} times`, () => {
      const bytes = Buffer.concat([
        utmpRecord({ ...alice, layout }),
        utmpRecord({ ...alice, layout, type: 8, user: 'gone' }),
        utmpRecord({ ...alice, layout, user: 'local', line: 'tty1', address: [] }),
        utmpRecord({ ...alice, layout, user: 'bob', line: 'pts/2', address: v6 }),
        Buffer.alloc(100, 7),
      ])
      assert.deepEqual(parseLogins(bytes, layout), [
        { address: '203.0.113.5', user: 'alice', line: 'pts/0', timeMs: 1_700_000_000_000 },
        { address: '2001:db8::9', user: 'bob', line: 'pts/2', timeMs: 1_700_000_000_000 },
      ])
    })

  it('are read again only when the file has changed, and of a long file the newest', () => {
    const file = path.join(tempDir(), 'wtmp')
    const logins = new LoginFile(file)
    assert.deepEqual(logins.records(), [])
    writeFileSync(file, utmpRecord(alice))
    const first = logins.records()
    assert.equal(first.length, 1)
    assert.equal(logins.records(), first)
    const many = Array.from({ length: 5000 }, (_, i) => utmpRecord({ ...alice, user: `u${i}` }))
    writeFileSync(file, Buffer.concat([...many, Buffer.alloc(10)]))
    assert.deepEqual(
      [logins.records().length, logins.records()[0]?.user, logins.records().at(-1)?.user],
      [4096, 'u904', 'u4999'],
    )
  })
})
