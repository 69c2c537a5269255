import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, it } from 'node:test'
import { fail2banProgram } from './program.js'

const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-client-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const socket = path.join(dir, 'f2b.sock')
const file = (name: string, text: string) => writeFileSync(path.join(dir, name), text)
file(
  'fail2ban.conf',
  `[Definition]\nsocket = ${socket}\npidfile = ${dir}/f2b.pid\nlogtarget = ${dir}/log\nloglevel = INFO\nsyslogsocket = auto\n`,
)
file('jail.conf', '[one]\nenabled = false\n')

async function run(line: string, { program = 'fail2ban-client', stdin = '' } = {}) {
  let [stdout, stderr] = ['', '']
  const words = line === '' ? [] : line.split(' ')
  const code = await fail2banProgram(program, words, {
    stdin: Readable.from([stdin]),
    stdout: {
      write: (text) => {
        stdout += text
      },
    },
    stderr: {
      write: (text) => {
        stderr += text.replace(/^[\d-]+ [\d:,]+ (\S+) *\[\d+\]: /gm, '$1 ')
      },
    },
  })
  return { code, stdout, stderr }
}

/** Answers every request with these bytes, or not at all. */
async function serving<T>(answer: Buffer | undefined, task: () => Promise<T>): Promise<T> {
  const server: Server = createServer((connection) => {
    connection.on('error', () => {})
    connection.on('data', () => answer && connection.write(answer))
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  try {
    return await task()
  } finally {
    server.close()
  }
}

describe('without a server', () => {
  for (const command of ['status', 'ping', 'stop', 'start one', 'nonsense'])
    it(`${command} says so and fails`, async () => {
      const { code, stdout, stderr } = await run(`-c ${dir} ${command}`)
      assert.equal(stderr, `fail2ban ERROR   Failed to access socket path: ${socket}. Is fail2ban running?\n`)
      assert.deepEqual([code, stdout], [255, ''])
    })

  it('there is nothing to reload', async () => {
    const { code, stderr } = await run(`-c ${dir} reload`)
    assert.deepEqual([code, stderr], [255, 'fail2ban ERROR   Could not find server\n'])
  })

  it('a socket that is left over stops a start, and is kept', async () => {
    file('f2b.sock', '')
    const { code, stderr } = await run(`-c ${dir} start`)
    assert.match(stderr, /seems to be in unexpected state \(not running but the socket exists\)/)
    assert.deepEqual([code, existsSync(socket)], [255, true])
    rmSync(socket)
  })

  it('what is neither socket nor file is not removed, even by force', async () => {
    mkdirSync(socket)
    const { code, stderr } = await run(`-c ${dir} -x start`)
    assert.match(stderr, /^fail2ban ERROR {3}Cannot remove \S+f2b\.sock: it is no socket; name another one/m)
    assert.deepEqual([code, existsSync(socket)], [255, true])
    rmdirSync(socket)
  })

  it('a dialogue goes on, and ends as it is told to', async () => {
    const ended = await run(`-c ${dir} -i`, { stdin: 'status\n\n"open\nquit\n' })
    assert.equal(ended.code, 0)
    assert.equal(ended.stdout.match(/fail2ban> /g)?.length, 4)
    assert.match(ended.stderr, /No closing quotation/)
    const cut = await run(`-c ${dir} -i`, { stdin: 'help\n' })
    assert.match(cut.stdout, /set <JAIL> banip <IP>/)
    assert.deepEqual([cut.code, cut.stderr.includes('EOF when reading a line')], [255, true])
  })
})

describe('a server that does not behave', () => {
  it('is waited for as long as the ping says', async () => {
    const { code, stderr } = await serving(undefined, () => run(`-c ${dir} ping 0.05`))
    assert.deepEqual([code, stderr], [255, `fail2ban ERROR   No answer on ${socket} in time\n`])
  })

  it('cannot make us run its objects, nor move the cursor', async () => {
    const end = Buffer.from('<F2B_END_COMMAND>')
    const evil = await serving(Buffer.concat([Buffer.from("cos\nsystem\n(S'id'\ntR."), end]), () =>
      run(`-c ${dir} ping`),
    )
    assert.equal(evil.code, 255)
    const text = Buffer.from(`\x80\x04K\x00X\x0a\x00\x00\x00a\x1b[2Jb\n\rcd\x86.`, 'latin1')
    const escapes = await serving(Buffer.concat([text, end]), () => run(`-c ${dir} version`))
    assert.equal(escapes.stdout, 'a\\x1b[2Jb\n\\x0dcd\n')
  })
})

describe('the command line', () => {
  it('that is not understood gets the usage', async () => {
    for (const line of ['--nosuch', '-c', '']) {
      const { code, stdout } = await run(line === '' ? `-c ${dir}` : line)
      assert.equal(code, 255)
      assert.match(stdout, /^Usage: fail2ban-client \[OPTIONS\] <COMMAND>\n/)
    }
    const { stdout } = await run('--nosuch', { program: 'fail2ban-server' })
    assert.match(stdout, /^Usage: fail2ban-server \[OPTIONS\]\n/)
  })

  it('answers what it can by itself', async () => {
    assert.deepEqual(await run('-V'), { code: 0, stdout: '1.1.1\n', stderr: '' })
    assert.deepEqual(await run('--version'), { code: 0, stdout: 'Fail2Ban v1.1.1\n', stderr: '' })
    assert.equal((await run('-h')).code, 0)
    for (const [text, printed] of [
      ['1d12h', '129600'],
      ['1.5m', '90.0'],
      ['1y', '31557600.0'],
      ['3/2', '1.5'],
    ])
      assert.deepEqual(await run(`--str2sec ${text}`), { code: 0, stdout: `${printed}\n`, stderr: '' })
    assert.equal((await run('--str2sec soon')).code, 255)
    assert.equal((await run('--timeout soon ping')).code, 255)
  })

  it('names a configuration that is not there', async () => {
    const { code, stdout, stderr } = await run(`-c ${dir}/nosuch status`)
    assert.equal(stdout, `ERROR: Base configuration directory ${dir}/nosuch does not exist \n`)
    assert.deepEqual([code, stderr], [255, 'fail2ban ERROR   Init of command line failed\n'])
  })

  it('may name another socket, and ask for more or fewer words', async () => {
    const { stderr } = await run(`-c ${dir} -v --sock /nosuch.sock ping`)
    assert.match(stderr, /INFO {4}Using socket file \/nosuch\.sock\n/)
    assert.match(stderr, /ERROR {3}Failed to access socket path: \/nosuch\.sock\. Is fail2ban running\?/)
    assert.doesNotMatch((await run(`-c ${dir} -q ping`)).stderr, /INFO|WARNING/)
  })

  it('may test the configuration before a command', async () => {
    assert.equal((await run(`-c ${dir} -t ping`)).stdout, '')
    file('jail.local', '[one]\nenabled = %(nosuch)s\n')
    const { code, stderr } = await run(`-c ${dir} -t ping`)
    assert.match(stderr, /test configuration failed/)
    assert.doesNotMatch(stderr, /socket/)
    assert.equal(code, 255)
    rmSync(path.join(dir, 'jail.local'))
  })
})
