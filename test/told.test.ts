import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import net from 'node:net'
import { describe, it } from 'node:test'
import { enterOwnNetwork } from '../src/firewall/own-network.js'
import { runChild } from '../src/lib/child.js'
import { atTheEnd, failures, House, onlySshd, withoutDebian } from './kit/daemon-kit.js'
import { SmtpSink } from './kit/smtp-sink.js'
import { waitUntil } from './kit/wait-until.js'
import { WebSink } from './kit/web-sink.js'

const attacker = '192.0.2.7'

// Actions are run only where bans are real.
const withoutNetwork = (await enterOwnNetwork()) ?? false
if (withoutNetwork === false) await runChild(['ip', 'link', 'set', 'lo', 'up'], { timeoutMs: 5000 })

const withAction = (action: string) =>
  onlySshd(`maxretry = 3\naction = %(banaction)s[name=%(__name__)s]\n         ${action}`)

describe('an operator is told of bans', () => {
  it('by a web service and a program, once, and not again after a restart', async () => {
    const hook = await WebSink.listen(200)
    atTheEnd(() => hook.close())
    const own = `[notify]\nwebhook = ${hook.url}\ncommand = DIR/tell DIR/told\nevents = ban unban\n`
    const house = new House({ jails: onlySshd('maxretry = 3'), own })
    house.write('tell', '#!/bin/sh\ncat >> "$1"\n')
    chmodSync(house.at('tell'), 0o755)
    await house.serve('--simulate')
    house.append(failures(attacker, 3))
    await waitUntil(
      () => hook.bodies.length === 1,
      () => `the hook is told; it was told ${hook.bodies}\n${house.read()}`,
    )
    assert.equal((await house.tocsin('restart')).exitCode, 0)
    assert.match(house.read(), /\[sshd\] Restore Ban 192\.0\.2\.7/)
    assert.equal((await house.tocsin('unban', attacker)).exitCode, 0)
    await waitUntil(
      () => hook.bodies.length === 2,
      () => `the hook is told of the unban\n${house.read()}`,
    )
    const told = hook.bodies.map((body) => JSON.parse(body))
    assert.deepEqual(
      told.map(({ event, jail }) => [event, jail]),
      [
        ['ban', 'sshd'],
        ['unban', 'sshd'],
      ],
    )
    await waitUntil(() => house.read('told').split('\n').length === 3, 'the program is told of both')
    assert.doesNotMatch(house.read(), /s3cret/)
  })

  it('by smtp.py, with the lines, from start to stop', { skip: withoutNetwork }, async () => {
    const sink = await SmtpSink.listen()
    atTheEnd(() => sink.close())
    const house = new House({
      jails: withAction(`smtp.py[host="127.0.0.1:${sink.port}", dest="a@example.org", matches="matches"]`),
    })
    const daemon = await house.serve()
    house.append(failures(attacker, 3, 'mallory'))
    await waitUntil(
      () => sink.mails.length === 2,
      () => `a mail is sent\n${house.read()}`,
    )
    await daemon.end()
    const subjects = sink.mails.map(({ data }) => /^Subject: (.*?) (?:on|from) /m.exec(data)?.[1])
    const wanted = ['sshd: started', `sshd: banned ${attacker}`, 'sshd: stopped']
    assert.deepEqual(
      subjects,
      wanted.map((one) => `[Fail2Ban] ${one}`),
    )
    assert.match(sink.mails[1]?.data ?? '', /Matches for this ban:\r\n.*mallory/)
  })

  it('by mails alone, of names as well as of addresses', { skip: withoutNetwork }, async () => {
    const sink = await SmtpSink.listen()
    atTheEnd(() => sink.close())
    const house = new House({
      jails: onlySshd(`filter = users\nmaxretry = 2\naction = smtp.py[host="127.0.0.1:${sink.port}"]`),
    })
    house.write(
      'config/filter.d/users.conf',
      '[Definition]\nfailregex = login of <F-ID>\\S+</F-ID> failed$\ndatepattern = {NONE}\n',
    )
    const daemon = await house.serve()
    house.append('login of mallory@example failed\n'.repeat(2))
    await house.untilBanned('mallory@example')
    assert.equal((await house.tocsin('restart')).exitCode, 0)
    await house.untilLogged('[sshd] Restore Ban mallory@example')
    assert.equal((await house.tocsin('unban', 'mallory@example')).exitCode, 0)
    const banned = () =>
      sink.mails.filter(({ data }) => data.includes('Subject: [Fail2Ban] sshd: banned mallory@example'))
    await waitUntil(
      () => banned().length === 1,
      () => `a mail is sent\n${house.read()}`,
    )
    assert.doesNotMatch(house.read(), /not an IP address/)
    await daemon.end()
  })

  it('by mails that wait for their server without holding up a reload', { skip: withoutNetwork }, async () => {
    const open = new Set<net.Socket>()
    const hangs = net.createServer((socket) => {
      open.add(socket.resume())
      socket.on('error', () => {}).on('close', () => open.delete(socket))
    })
    await once(hangs.listen(0, '127.0.0.1'), 'listening')
    atTheEnd(() => hangs.close())
    const jails = withAction(`smtp.py[host="127.0.0.1:${(hangs.address() as net.AddressInfo).port}"]`)
    const house = new House({ jails })
    const daemon = await house.serve()
    await waitUntil(() => open.size === 1, 'the mail of the start is on its way')
    house.write('config/jail.local', jails.replace('maxretry = 3', 'maxretry = 2'))
    assert.equal((await house.tocsin('reload')).exitCode, 0)
    assert.equal(open.size, 1, 'it still is')
    house.append(failures(attacker, 2))
    await house.untilBanned(attacker)
    daemon.signal('SIGKILL')
  })

  it('by the mails of Debian\'s own "action_mw"', {
    skip: withoutDebian || withoutNetwork,
  }, async () => {
    const jails =
      '[DEFAULT]\nmta = sendmail\ndestemail = a@example.org\naction = %(action_mw)s\n[sshd]\nenabled = true\nbackend = polling\nlogpath = DIR/auth.log\nmaxretry = 3\n'
    const house = new House({ base: 'debian', jails })
    house.write('config/action.d/sendmail-common.local', '[Init]\nmailcmd = DIR/mailer "<dest>"\n')
    house.write('mailer', '#!/bin/sh\n(echo "$@"; cat; echo) >> DIR/mails\n')
    chmodSync(house.at('mailer'), 0o755)
    const daemon = await house.serve()
    house.append(failures(attacker, 3))
    await waitUntil(
      () => house.read('mails').includes('Here is more information'),
      () => `a mail is sent\n${house.read()}`,
    )
    await daemon.end()
    const mails = house.read('mails')
    assert.equal(mails.match(/^a@example\.org$/gm)?.length, 3)
    assert.match(mails, /^Subject: \[Fail2Ban\] sshd: banned 192\.0\.2\.7 from /m)
    assert.match(mails, /^Subject: \[Fail2Ban\] sshd: stopped on /m)
  })
})
