import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { after, describe, it } from 'node:test'
import { noStock, stockActions, tagsOf } from '../../test/kit/mail-kit.js'
import { SmtpSink, type SunkMail } from '../../test/kit/smtp-sink.js'
import type { ActionSpec } from '../domain/action-spec.js'
import { runChild } from '../lib/child.js'
import type { Occasion } from './notice-action.js'
import { sendBySmtp } from './smtp.js'
import { smtpAction } from './smtp-action.js'

const info = {
  ip: '192.0.2.7',
  failures: '5',
  bantime: '600',
  matches: 'one\n.\n\u0007ü\r\nSubject: two',
  ipmatches: 'all\nthe rest',
  ipjailmatches: 'of the jail',
}
const sinks: SmtpSink[] = []
after(() => {
  for (const sink of sinks) sink.close()
})

async function sink(answers?: Record<string, string>): Promise<SmtpSink> {
  const one = await SmtpSink.listen(answers)
  sinks.push(one)
  return one
}

function action(options: Record<string, string>): ActionSpec {
  return { file: 'smtp.py', name: 'smtp', properties: Object.entries(options), origin: { file: 'jail.local', line: 1 } }
}

async function tell(options: Record<string, string>, occasion: Occasion): Promise<void> {
  const notice = smtpAction(action(options))
  assert.ok(!('problem' in notice))
  const names = { full: hostname(), short: hostname() }
  const signal = new AbortController().signal
  const tags = occasion === 'ban' ? tagsOf(info) : undefined
  await notice.tell({ occasion, tags }, { jail: 'sshd', names, nowMs: 1_795_243_571_000, run: runChild, signal })
}

function header(mail: SunkMail | undefined, name: string): string | undefined {
  return new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'm').exec(mail?.data ?? '')?.[1]
}

/** The text as a reader sees it, with plain line ends. */
function body(mail: SunkMail | undefined): string {
  const text = (mail?.data ?? '').split('\r\n\r\n').slice(1).join('\r\n\r\n')
  const coding = header(mail, 'Content-Transfer-Encoding')
  const decoded =
    coding === 'base64' ? Buffer.from(text, 'base64').toString() : coding === 'quoted-printable' ? unquoted(text) : text
  return decoded.replaceAll('\r\n', '\n').trimEnd()
}

function unquoted(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** Fail2ban's own smtp.py, told the same. */
const peerProgram = String.raw`
import importlib.util, json, sys, types
sys.path.insert(0, "/usr/lib/python3/dist-packages")
task = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location("smtp_action", task["file"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
jail = types.SimpleNamespace(name="sshd", actions=types.SimpleNamespace(getBanTime=lambda: 600))
action = module.Action(jail, "smtp", **task["options"])
action.start()
action.ban({"ip": "192.0.2.7", "failures": 5, "matches": task["matches"], "ipmatches": "all\nthe rest", "ipjailmatches": "of the jail"})
action.stop()
`

describe('smtp.py', () => {
  it('mails as Fail2ban does', { skip: noStock }, async () => {
    for (const matches of ['', 'ipmatches', 'ipjailmatches']) {
      const server = await sink()
      const options = {
        host: `127.0.0.1:${server.port}`,
        dest: 'a@example.org, root',
        sender: 'f2b',
        sendername: 'F, 2',
        ...(matches && { matches }),
      }
      const task = { file: `${stockActions}/smtp.py`, options, matches: '' }
      // -B: nothing is written beside it.
      const peer = ['/usr/bin/python3', '-B', '-W', 'ignore', '-c', peerProgram]
      const { exitCode, stderr } = await runChild(peer, { stdin: JSON.stringify(task), timeoutMs: 20_000 })
      assert.equal(exitCode, 0, stderr)
      const theirs = server.mails.splice(0)
      for (const occasion of ['start', 'ban', 'stop'] as const) await tell(options, occasion)
      assert.equal(server.mails.length, 3)
      for (const [at, ours] of server.mails.entries()) {
        assert.deepEqual([ours.from, ours.to], [theirs[at]?.from, theirs[at]?.to])
        for (const name of ['Subject', 'From']) assert.equal(header(ours, name), header(theirs[at], name))
        // An address without a domain is in angles; everybody reads both.
        assert.equal(header(ours, 'To')?.replace('<root>', 'root'), header(theirs[at], 'To'))
        assert.equal(body(ours), body(theirs[at]))
      }
    }
  })

  it('carries hostile lines whole, and as text only', async () => {
    const server = await sink()
    await tell({ host: `127.0.0.1:${server.port}`, matches: 'matches' }, 'ban')
    const [mail] = server.mails
    assert.equal(header(mail, 'Subject'), `[Fail2Ban] sshd: banned 192.0.2.7 from ${hostname()}`)
    assert.match(body(mail), /Matches for this ban:\none\n\.\n\u0007ü\nSubject: two\n\nRegards/)
    assert.deepEqual(mail?.to, ['root'])
  })

  it('logs in', async () => {
    const server = await sink()
    await tell({ host: `127.0.0.1:${server.port}`, user: 'me', password: 'secret' }, 'start')
    assert.equal(server.mails[0]?.login, `PLAIN ${Buffer.from('\0me\0secret').toString('base64')}`)
  })

  it('says which server refused, and never the password', async () => {
    const server = await sink({ AUTH: '535 wrong password' })
    const host = `127.0.0.1:${server.port}`
    const sent = tell({ host, user: 'me', password: 'secret' }, 'start')
    await assert.rejects(sent, (error: Error) => {
      assert.match(error.message, /Cannot send mail by the server 127\.0\.0\.1:\d+: .*535/)
      assert.doesNotMatch(`${error.message}`, /secret/)
      return true
    })
    server.close()
    await assert.rejects(tell({ host }, 'start'), /ECONNREFUSED/)
  })

  it('is given up at once when the daemon stops', async () => {
    const server = await sink({ greeting: '' })
    const stop = new AbortController()
    const mail = { from: { name: '', address: 'f' }, to: ['root'], subject: 's', text: 't', date: new Date(0) }
    const address = { host: '127.0.0.1', port: server.port, tls: false, isStrict: false, login: undefined }
    const sent = sendBySmtp(address, mail, stop.signal)
    await server.connected()
    stop.abort()
    await assert.rejects(sent, /Cannot send mail by the server 127\.0\.0\.1:\d+: .*abort/i)
  })

  it('never gives a password to a server in clear text, where that is asked for', async () => {
    const server = await sink({ STARTTLS: '502 what?' })
    const mail = { from: { name: '', address: 'f' }, to: ['root'], subject: 's', text: 't', date: new Date(0) }
    const login = { user: 'me', password: 's3cret' }
    const address = { host: '127.0.0.1', port: server.port, tls: false, isStrict: true, login }
    await assert.rejects(sendBySmtp(address, mail, new AbortController().signal))
    assert.deepEqual([server.mails, server.commands.filter((line) => line.startsWith('AUTH'))], [[], []])
    assert.ok(server.commands.includes('STARTTLS'))
  })

  it('says nothing of bans that were restored, nor of unbans', () => {
    const notice = smtpAction(action({}))
    assert.ok(!('problem' in notice))
    assert.ok(notice.isSilentOnRestore)
    assert.ok(!notice.speaksOf('unban'))
  })

  it('has no other options', () => {
    assert.deepEqual(smtpAction(action({ hots: 'x' })), { problem: 'smtp.py has no option "hots"' })
    assert.ok('problem' in smtpAction(action({ host: 'a:b:c' })))
  })
})
