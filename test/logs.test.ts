import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type DaemonProcess, failures, House, onlySshd, sshdLine } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

const ip = '192.0.2.7'
/** Nobody is banned here: every failure that is counted can be seen. */
const counting = (options = '') => onlySshd(`maxretry = 1000000\nmaxmatches = 1\n${options}`)
const wrongPassword = () => sshdLine(`Failed password for root from ${ip} port 4711 ssh2`)

/** A daemon on one log, asked how many failures it has counted. */
async function following(options?: string): Promise<{ house: House; daemon: DaemonProcess }> {
  const house = new House({ jails: counting(options) })
  return { house, daemon: await house.serve('--simulate') }
}

const untilState = (house: House, state: string) =>
  waitUntil(async () => (await house.jail()).sources[0]?.state === state, `the log is ${state}`)

describe('a followed log', () => {
  it('is read as it grows', async () => {
    const { house } = await following()
    for (const count of [1, 2, 3]) {
      house.append(failures(ip))
      await house.untilCounted(count)
    }
  })

  it('goes on in the new file when it is renamed and created anew', async () => {
    const { house } = await following()
    house.append(failures(ip, 2))
    await house.untilCounted(2)
    house.append(failures(ip))
    renameSync(house.authLog, house.at('auth.log.1'))
    house.append(failures(ip), 'auth.log.1')
    house.write('auth.log', failures(ip, 2))
    await house.untilCounted(6)
    house.append(failures(ip))
    await house.untilCounted(7)
  })

  it('is rotated several times in a row', async () => {
    const { house } = await following()
    await untilState(house, 'live')
    for (const round of [1, 2, 3, 4, 5]) {
      house.append(failures(ip, 10))
      renameSync(house.authLog, house.at(`auth.log.${round}`))
      house.write('auth.log', failures(ip, 10))
      await house.untilCounted(20 * round)
    }
  })

  it('is copied and truncated', async () => {
    const { house } = await following()
    house.append(failures(ip, 5))
    await house.untilCounted(5)
    copyFileSync(house.authLog, house.at('auth.log.1'))
    truncateSync(house.authLog)
    house.append(failures(ip, 2))
    await house.untilCounted(7)
  })

  it('is truncated and filled again', async () => {
    const { house } = await following()
    house.append(failures(ip, 2))
    await house.untilCounted(2)
    truncateSync(house.authLog)
    await waitUntil(async () => (await house.jail()).sources[0]?.offset === 0, 'the truncation is seen')
    house.append(failures(ip, 4))
    await house.untilCounted(6)
  })

  it('may appear later, also its directory', async () => {
    const { house, daemon } = await following('logpath = DIR/later/deeper/auth.log')
    assert.match(daemon.output, /Waiting for logs that are not there yet: .*later\/deeper\/auth\.log \(sshd\)/)
    mkdirSync(house.at('later/deeper'), { recursive: true })
    house.append(failures(ip, 2), 'later/deeper/auth.log')
    await house.untilCounted(2)
  })

  it('may disappear and come back', async () => {
    const { house } = await following()
    house.append(failures(ip))
    await house.untilCounted(1)
    rmSync(house.authLog)
    house.write('auth.log', failures(ip))
    await house.untilCounted(2)
  })

  it('may be one of a pattern, also when it comes later', async () => {
    const { house } = await following('logpath = DIR/web/*/error.log')
    mkdirSync(house.at('web/a'), { recursive: true })
    house.append(failures(ip), 'web/a/error.log')
    await house.untilCounted(1)
    mkdirSync(house.at('web/b'), { recursive: true })
    house.append(failures(ip), 'web/b/error.log')
    await house.untilCounted(2)
    assert.equal((await house.jail()).sources.length, 2)
  })

  it('is read on from where it was left, over a stop and over a restart', async () => {
    const { house, daemon } = await following()
    house.append(failures(ip, 3))
    await house.untilCounted(3)
    await daemon.end()
    house.append(failures(ip, 2))
    const next = await house.serve('--simulate')
    await house.untilCounted(2)
    house.append(failures(ip))
    await house.untilCounted(3)
    assert.equal((await house.tocsin('restart')).exitCode, 0)
    house.append(failures(ip, 4))
    await house.untilCounted(4)
    await next.end()
  })

  it('is read on in the new file when it was rotated while nobody looked', async () => {
    const { house, daemon } = await following()
    house.append(failures(ip, 3))
    await house.untilCounted(3)
    await daemon.end()
    renameSync(house.authLog, house.at('auth.log.1'))
    house.write('auth.log', failures('192.0.2.8', 2))
    await house.serve('--simulate')
    await house.untilCounted(2)
  })
})

describe('a line', () => {
  it('may come in two pieces', async () => {
    const { house } = await following()
    const line = wrongPassword()
    house.append(line.slice(0, 60))
    await untilState(house, 'live')
    house.append(`${line.slice(60, -1)}`)
    assert.equal((await house.jail()).totalFailed, 0)
    house.append('\n')
    await house.untilCounted(1)
  })

  it('may end in CR LF', async () => {
    const { house } = await following()
    house.append(wrongPassword().replace('\n', '\r\n').repeat(2))
    await house.untilCounted(2)
  })

  it('may hold bytes that are no UTF-8, or NUL', async () => {
    const { house } = await following()
    const bytes = (name: string) => Buffer.from(failures(ip, 1, name), 'latin1')
    house.append(Buffer.concat([bytes('invalid user \xff\xfe\xe4'), bytes('invalid user a\0b'), bytes('root')]))
    await house.untilCounted(3)
  })

  it('over 64 KiB is skipped and counted, and the one behind it is read', async () => {
    const { house } = await following()
    house.append(failures(ip, 1, `invalid user ${'x'.repeat(100 * 1024)}`))
    house.append(failures(ip))
    await house.untilCounted(1)
    const [source] = (await house.json<{ jails: { sources: { linesSkippedTooLong: number }[] }[] }>('status')).jails[0]
      ?.sources ?? [undefined]
    assert.equal(source?.linesSkippedTooLong, 1)
    assert.match(house.read(), /Skipped a line over 64 KiB in .*auth\.log/)
  })

  it('of only NUL bytes, as a crash leaves them, does not hide what follows', async () => {
    const { house } = await following()
    house.append(Buffer.alloc(5000))
    house.append(`\n${wrongPassword()}`)
    await house.untilCounted(1)
  })

  it('is one of many at once, and none is lost', async () => {
    const { house } = await following()
    const line = wrongPassword()
    const noise = sshdLine('Connection from 198.51.100.1 port 22 on 192.0.2.1 port 22')
    house.append(`${line}${noise}`.repeat(20_000))
    house.append(line.repeat(20_000))
    await house.untilCounted(40_000)
  })
})
