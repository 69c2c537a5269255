// A shared file as F2BDistro has it: daemons of ours and a real Fail2ban that knows nothing of us write to the same newbans.log.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { atTheEnd, failures, House, onlySshd } from './kit/daemon-kit.js'

const fleetJail =
  '[fleet]\nenabled = true\nbackend = fleet\nmaxretry = 1\nbantime = 30m\nbanaction = %(banaction_allports)s\n'

const share = mkdtempSync(path.join(tmpdir(), 'tocsin-share-'))
atTheEnd(() => rmSync(share, { recursive: true, force: true }))

function member(file: string, name: string): House {
  return new House({
    jails: `${onlySshd('maxretry = 3')}\n${fleetJail}`,
    own: `[fleet]\ntransport = file\npath = ${file}\nname = ${name}\n`,
  })
}

describe('two machines that share a file, without keys', () => {
  const file = path.join(share, 'newbans.log')
  const web1 = member(file, 'web1')
  const web2 = member(file, 'web2')

  before(async () => {
    await Promise.all([web1.serve('--simulate'), web2.serve('--simulate')])
  })

  it('ban what one of them bans', async () => {
    web1.append(failures('198.51.100.7', 3))
    await web2.untilBanned('198.51.100.7', 'fleet')
    assert.match(readFileSync(file, 'utf8'), /^\w{3} .* tocsin\.web1\[\d+\]: HOST 198\.51\.100\.7 PORT 22\n$/)
  })

  it('ban whom anybody names in one line', async () => {
    appendFileSync(file, 'HOST 198.51.100.8 PORT 22\n')
    await Promise.all([web1, web2].map((one) => one.untilBanned('198.51.100.8', 'fleet')))
  })
})
