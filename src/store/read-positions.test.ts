import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ReadPositions } from './read-positions.js'
import { askPeer, noPeer, StoreKit } from './store-kit.js'

let kit: StoreKit

beforeEach(() => {
  kit = new StoreKit()
})
afterEach(() => kit.end())

describe('read positions', () => {
  const path = '/var/log/auth.log'

  it('come back after a restart, for each jail', () => {
    const database = kit.open()
    new ReadPositions(database).set([
      { jail: 'sshd', path, position: { firstLineSha1: 'a', offset: 1 } },
      { jail: 'sshd', path, position: { firstLineSha1: 'b', offset: 5_000_000_000 } },
      { jail: 'pam', path, position: { firstLineSha1: '', offset: 0 } },
    ])
    kit.close(database)
    const positions = new ReadPositions(kit.open())
    assert.deepEqual(positions.get('sshd', path), { firstLineSha1: 'b', offset: 5_000_000_000 })
    assert.deepEqual(positions.get('pam', path), { firstLineSha1: '', offset: 0 })
    assert.equal(positions.get('pam', '/other'), undefined)
  })

  it('are those of the installed Fail2ban', { skip: noPeer ?? false }, async () => {
    const database = kit.open()
    new ReadPositions(database).set([{ jail: 'sshd', path, position: { firstLineSha1: 'a'.repeat(40), offset: 7 } }])
    kit.close(database)
    const theirs = await askPeer(
      `
class Jail: name = 'sshd'
class Log:
    def getFileName(self): return ${JSON.stringify(path)}
    def getPos(self): return 9
    def getHash(self): return 'a' * 40
db = Fail2BanDb(sys.argv[1])
found = db.addLog(Jail(), Log())
db.updateLog(Jail(), Log())
db.close()
print(found)`,
      kit.file,
    )
    assert.equal(theirs, 7)
    assert.deepEqual(new ReadPositions(kit.open()).get('sshd', path), { firstLineSha1: 'a'.repeat(40), offset: 9 })
  })
})
