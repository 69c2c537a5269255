// `npm run demo [-- LOG]` (root): an attacker and a server in network namespaces; failed logins in a log become dropped packets.
import { ensureBuilt } from './build.mjs'
import { dated, ownAttack, recordedAttack } from './demo-attack.mjs'
import { attacker, bantimeS, runQuietly, Stage, StepFailed, server } from './demo-stage.mjs'
import { ensureInstalled } from './ensure-installed.mjs'

await main(process.argv[2])

async function main(logFile) {
  const attack = attackOf(logFile)
  const lacking = attack.problem ?? (await whyNot())
  if (lacking !== undefined) {
    console.error(`tocsin demo: cannot run: ${lacking}`)
    process.exitCode = 1
    return
  }
  ensureInstalled()
  await ensureBuilt()
  const stage = new Stage()
  try {
    await play(stage, attack)
    stage.tell('good', 'every step happened as told')
  } catch (error) {
    process.exitCode = stage.exitCode ?? 1
    stage.tell(
      'bad',
      stage.exitCode === undefined ? `failed: ${stage.reason ?? error.message}` : 'interrupted, clearing up',
    )
    if (stage.exitCode === undefined) for (const line of stage.daemonSaid) console.error(`  daemon: ${line}`)
  } finally {
    await stage.clear()
  }
}

function attackOf(logFile) {
  try {
    return logFile === undefined ? ownAttack() : recordedAttack(logFile)
  } catch (error) {
    return { problem: `the attack log cannot be used: ${error.message}` }
  }
}

/** What the demo needs and this machine lacks, with what to do; undefined when all is there. */
async function whyNot() {
  if (process.getuid() !== 0)
    return 'it makes network namespaces and bans in the kernel, which only root may; run it as root: sudo npm run demo'
  for (const [program, name] of [
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
  ]) {
    const { code } = await runQuietly(program, '-V')
    if (code !== 0) return `there is no working ${program} command; install it: apt-get install ${name}`
  }
  // In a namespace that is gone with this process.
  const { code, stderr } = await runQuietly('unshare', '--net', 'nft', 'add', 'table', 'inet', 'tocsin-demo')
  if (code === 0) return undefined
  return `no network namespace with nftables can be made here (${stderr.trim().split('\n')[0]}); run it where that is allowed`
}

async function play(stage, attack) {
  await stage.build()
  stage.tell('', `attacker ${attacker} and server ${server}, each in a network namespace of its own`)
  await stage.startEnds()
  await stage.startMonitor()
  await stage.startDaemon()
  await mustWork(stage, 'a connection to port 22')
  await replayUntilBanned(stage, attack)
  await mustBeDropped(stage)
  await mustEnd(stage)
  await mustWork(stage, 'the next connection')
  await mustStop(stage)
}

async function mustWork(stage, what) {
  const { ok, ms, why } = await stage.tryConnection()
  if (!ok) throw new StepFailed(`${what} from ${attacker} did not work: ${why}`)
  stage.tell('good', `${what} from ${attacker} works: greeted after ${ms.toFixed(1)} ms`)
}

async function replayUntilBanned(stage, { lines, pauseMs }) {
  const writtenAt = new Map()
  for (const line of lines) {
    const text = dated(line)
    writtenAt.set(text, performance.now())
    stage.appendToLog(`${text}\n`)
    stage.tell('careful', `log: ${text.replace(/[^ -~]/g, '?')}`)
    if (await stage.isBannedWithin(pauseMs)) break
  }
  if (!(await stage.isBannedWithin(2000))) throw new StepFailed(`no ban of ${attacker} came into the kernel`)
  // The ban itself says which line decided: the attacker goes on while the daemon thinks.
  const deciding = (await stage.why(attacker))?.lines.at(-1)
  const afterMs = stage.bannedAt - writtenAt.get(deciding)
  if (Number.isNaN(afterMs)) throw new StepFailed(`the ban names a line that was not written: ${deciding}`)
  stage.tell(
    'bad',
    `ban: ${attacker} is in the kernel's set ${afterMs.toFixed(1)} ms after the deciding line was written`,
  )
}

async function mustBeDropped(stage) {
  const { ok, ms, why } = await stage.tryConnection()
  if (ok) throw new StepFailed(`a connection from ${attacker} still works although it is banned`)
  if (why !== 'timeout')
    throw new StepFailed(`the connection ended with ${why}, not with the time-out of dropped packets`)
  const packets = (await stage.why(attacker))?.drops?.packets ?? 0
  if (packets === 0) throw new StepFailed('the kernel counted no dropped packet')
  stage.tell('bad', `a connection from ${attacker} has no answer after ${ms.toFixed(0)} ms: ${packets} packets dropped`)
}

async function mustEnd(stage) {
  await stage.within((bantimeS + 2) * 1000, stage.unbanned, 'the ban did not end')
  const heldS = (performance.now() - stage.bannedAt) / 1000
  const { stdout } = await stage.tocsin('banned', '--json')
  if (JSON.parse(stdout).some((ban) => ban.ip === attacker))
    throw new StepFailed(`${attacker} is still listed as banned`)
  stage.tell(
    'good',
    `ban ends ${heldS.toFixed(1)} s after it came (bantime ${bantimeS} s, counted from the second in the deciding line)`,
  )
}

async function mustStop(stage) {
  const { code, stderr } = await stage.tocsin('stop')
  if (code !== 0) throw new StepFailed(`the daemon did not stop: ${stderr.trim()}`)
  const { stdout } = await stage.inServer('nft', 'list', 'tables')
  if (stdout.trim() !== '') throw new StepFailed(`the stopped daemon left this in the kernel: ${stdout.trim()}`)
  stage.tell('', 'daemon stopped; its table is gone from the kernel')
}
