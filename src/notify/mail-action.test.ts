import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { after, describe, it } from 'node:test'
import { MailKit, noStock, peerMails, stockActions, tagsOf } from '../../test/kit/mail-kit.js'
import type { ActionSpec } from '../domain/action-spec.js'
import { mailAction } from './mail-action.js'
import type { NoticeAction, Occasion } from './notice-action.js'

const kit = new MailKit()
after(() => kit.remove())

const log = `${kit.dir}/auth.log`
writeFileSync(log, 'Failed for a from 192.0.2.7\nFailed for b from 192.0.2.70\nFailed for c from 192.0.2.7 port 1\n')

const info = {
  ip: '192.0.2.7',
  failures: '5',
  matches: 'line one\nline two',
  ipmatches: 'all one\nall two',
  ipjailmatches: 'j one',
  ipfailures: '9',
  ipjailfailures: '7',
  'ip-host': 'None',
}
const nowMs = Date.UTC(2026, 10, 21, 6, 46, 11)

async function tell(action: NoticeAction, occasion: Occasion, tags: Readonly<Record<string, string>> = info) {
  const names = { full: hostname(), short: hostname() }
  const signal = new AbortController().signal
  const context = { jail: 'j', names, nowMs, run: kit.run, signal, sendmail: [kit.sendmail] }
  await action.tell({ occasion, tags: occasion === 'ban' || occasion === 'unban' ? tagsOf(tags) : undefined }, context)
  return kit.received()
}

function read(action: ActionSpec): NoticeAction {
  return mailAction(action) ?? assert.fail(`${action.name} is an action that sends mails`)
}

/** An action with one command. */
function ban(command: string): ActionSpec {
  return { file: 'm', name: 'm', properties: [['actionban', command]], origin: { file: 'jail.local', line: 1 } }
}

const occasions = ['start', 'ban', 'stop'] as const
const withoutDate = (text: string) => text.replace(/^Date: .*$/m, 'Date: …')

describe('a stock action that sends mails', { skip: noStock }, () => {
  const args = `name=j, dest="a@example.org", sender="f@example.org", logpath="${log}", mailcmd="${kit.sendmail} -f f root"`
  for (const file of [
    'sendmail',
    'sendmail-whois',
    'sendmail-whois-lines',
    'sendmail-whois-matches',
    'sendmail-whois-ipmatches',
    'sendmail-whois-ipjailmatches',
  ])
    it(`says what Fail2ban says: ${file}`, async () => {
      const [action = assert.fail()] = kit.actions(stockActions, `${file}[${args}]`)
      const theirs = await peerMails(kit, action, info)
      for (const [at, occasion] of occasions.entries()) {
        const { argv, stdin } = await tell(read(action), occasion)
        const their = theirs[at] ?? assert.fail(occasion)
        assert.equal(withoutDate(stdin), withoutDate(their.stdin))
        assert.deepEqual(argv, ['-i', ...their.argv])
        assert.match(stdin, /^Date: Sat, 21 Nov 2026 \d\d:\d\d:11 [+-]\d{4}$/m)
        assert.match(their.stdin, /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/m)
      }
    })

  for (const file of ['mail', 'mail-whois', 'mail-whois-lines'])
    it(`says by sendmail what Fail2ban says by mail: ${file}`, async () => {
      const [action = assert.fail()] = kit.actions(stockActions, `${file}[name=j, dest="a@x.org", logpath="${log}"]`)
      const theirs = await peerMails(kit, action, info)
      for (const [at, occasion] of occasions.entries()) {
        const ours = await tell(read(action), occasion)
        const { argv, stdin } = theirs[at] ?? assert.fail(occasion)
        const subject = argv[argv.indexOf('-s') + 1]
        assert.equal(ours.stdin, `To: a@x.org\nSubject: ${subject}\n\n${stdin}\n`)
        assert.deepEqual(ours.argv, ['-i', '-t'])
      }
    })

  it('says so where whois is missing', async () => {
    const [action = assert.fail()] = kit.actions(stockActions, `sendmail-whois[${args}]`)
    kit.removeProgram('whois')
    const { stdin } = await tell(read(action), 'ban')
    kit.program('whois', 'printf "Owner: of %s\\n\\n" "$1"')
    assert.match(stdin, /missing whois program/)
  })

  for (const file of ['sendmail-buffered', 'mail-buffered', 'sendmail-geoip-lines', 'complain', 'hostsdeny', 'dummy'])
    it(`is left to a shell when it does more: ${file}`, () => {
      const [action = assert.fail()] = kit.actions(stockActions, `${file}[name=j]`)
      assert.equal(mailAction(action), undefined)
    })
})

describe('a rewritten action that sends mails', () => {
  it('keeps its own words, headers and program', async () => {
    kit.program('msmtp', `printf '%s\\0' "$@" > ${kit.dir}/argv; cat > ${kit.dir}/stdin`)
    const action = read(
      ban(
        'printf %b "Subject: <ip> is \\"out\\"\nX-Jail: j\\n\\nBy \\\\\\\\<F-USER>\\tat last\\n" | msmtp -a \'my account\' root',
      ),
    )
    const { argv, stdin } = await tell(action, 'ban', { ...info, 'F-user': 'eve' })
    assert.deepEqual(argv, ['-a', 'my account', 'root'])
    assert.equal(stdin, 'Subject: 192.0.2.7 is "out"\nX-Jail: j\n\nBy \\eve\tat last\n')
  })

  it('is run by a shell as soon as it does anything else', () => {
    for (const command of [
      'printf %b "x" | sendmail root; tool <ip>',
      'printf %b "x $HOME" | sendmail root',
      'printf %b "x `id`" | sendmail root',
      'printf %b "x" | sendmail root > /tmp/x',
      'printf %b "x" | sendmail $(id)',
      'printf %b "x" | sendmail root &',
      'printf %b "x" | tee /tmp/x | sendmail root',
      'printf %b "x" || sendmail root',
      'printf "x" | sendmail root',
      'printf %b "x',
      '( printf %b "x"; tool ) | sendmail root',
      '( printf %b "x" | sendmail root',
      '( logpath="/var/log/*.log"; grep -m 3 "<ip>" $logpath | tail -n 3; ) | sendmail root',
      'printf %b "x" | mail -s x',
      'printf %b "x" | <mailcmd>',
      'sendmail root < /tmp/x',
      '',
    ])
      assert.equal(mailAction(ban(command)), undefined, command)
  })

  it('has no command that is not a mail', () => {
    const action = ban('printf %b "x" | sendmail root')
    for (const name of ['actionunban', 'actioncheck', 'actionban?family=inet6', 'actionflush'])
      assert.equal(mailAction({ ...action, properties: [...action.properties, [name, 'tool']] }), undefined, name)
  })
})

describe('hostile text in a mail', () => {
  const hostile = '~!touch /tmp/x\n.\n$(id)`id`"; id\n\\n\\c%s\r\nBcc: all@example.org'

  it('is in the body as it is, and nothing reads it', async () => {
    const action = read(ban(`printf %b "Subject: s\n\n<matches>\nend" | ${kit.sendmail} root`))
    const { argv, stdin } = await tell(action, 'ban', { ...info, matches: hostile })
    assert.deepEqual(argv, ['-i', 'root'])
    assert.equal(stdin, `Subject: s\n\n${hostile}\nend`)
  })

  it('begins no header', async () => {
    const action = read(ban(`printf %b "Subject: <ip>\n\nbody" | ${kit.sendmail} root`))
    const { stdin } = await tell(action, 'ban', { ...info, ip: 'x\n\r\nBcc: y\n\nz' })
    assert.equal(stdin, 'Subject: x Bcc: y z\n\nbody')
    const mail = read(ban('printf %b "body" | mail -s "<ip>" "<ip>"'))
    const sent = await tell(mail, 'ban', { ...info, ip: 'x\nBcc: y' })
    assert.equal(sent.stdin, 'To: x Bcc: y\nSubject: x Bcc: y\n\nbody\n')
  })

  it('is no option of whois', async () => {
    kit.program('whois', 'echo asked')
    const action = read(ban(`( printf %b "a\n\n"; whois <ip> || echo "none"; ) | ${kit.sendmail} root`))
    const { stdin } = await tell(action, 'ban', { ...info, ip: '-hexample.org' })
    assert.equal(stdin, 'a\n\n')
  })
})

describe('a mail that cannot be sent', () => {
  it('says by whom and why', async () => {
    kit.program('refuses', 'cat > /dev/null; echo "no such user" >&2; exit 67')
    await assert.rejects(tell(read(ban('printf %b "x" | refuses root')), 'ban'), /refuses root.*67.*no such user/)
    await assert.rejects(tell(read(ban('printf %b "x" | missing-mailer root')), 'ban'), /missing-mailer/)
  })
})
