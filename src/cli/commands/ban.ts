import { ask } from '../../api/client.js'
import type { BanOutcome, BanRequest, ConfirmOutcome } from '../../api/operations.js'
import { parseDurationMs } from '../../config/duration.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { colour, durationText, harmless } from '../render.js'
import { confirmText } from './confirm.js'

export interface BanFlags extends CommonFlags {
  jail?: string
  for?: string
  permanent?: boolean
  force?: boolean
  confirm?: string
  fleet?: boolean
}

export async function ban(this: Context, flags: BanFlags, ...ips: string[]): Promise<void> {
  const { jail, force, fleet } = flags
  const request: BanRequest = { ips, jail, force, fleet, ...durationOf(flags), ...trialOf(flags) }
  const socket = daemonSocket(flags.config)
  const outcomes = await ask<BanOutcome[]>(socket, '/v1/bans', request)
  if (flags.json) printJson(this, outcomes)
  else for (const outcome of outcomes) print(this, outcomeText(outcome))
  if (outcomes.some((outcome) => outcome.result === 'refused')) this.process.exitCode = exit.failed
  const trials = outcomes.flatMap(({ trial }) => trial ?? [])
  if (trials.length > 0 && !flags.json) await offerToConfirm(this, socket, trials)
}

function durationOf(flags: BanFlags): Pick<BanRequest, 'durationMs' | 'permanent'> {
  if (flags.permanent) return { permanent: true }
  if (flags.for === undefined) return {}
  const durationMs = readDuration('for', flags.for, ', or -1 for permanent')
  return durationMs < 0 ? { permanent: true } : { durationMs }
}

function trialOf({ confirm }: BanFlags): Pick<BanRequest, 'confirmMs'> {
  return confirm === undefined ? {} : { confirmMs: readDuration('confirm', confirm, '') }
}

function readDuration(flag: string, text: string, orElse: string): number {
  const durationMs = parseDurationMs(text)
  if (durationMs !== undefined) return durationMs
  throw new CommandFailure(`--${flag} ${harmless(text)} is not a duration; try 10m, 1h, 2d 12h${orElse}`, exit.usage)
}

/** At a terminal Enter confirms; who has cut his own line with it cannot press it. */
async function offerToConfirm(context: Context, socket: string, trials: readonly Trial[]): Promise<void> {
  const ids = trials.map(({ number }) => `${number}`)
  const leftMs = Math.min(...trials.map(({ untilMs }) => untilMs)) - Date.now()
  if (!process.stdin.isTTY) {
    print(context, `Undone in ${durationText(leftMs)}, unless: tocsin confirm ${ids.join(' ')}`)
    return
  }
  print(context, `Undone in ${durationText(leftMs)}, unless you press Enter now`)
  if (!(await isEnterPressed(leftMs))) {
    print(context, colour.careful('Not confirmed: undone'))
    context.process.exitCode = exit.failed
    return
  }
  const outcomes = await ask<ConfirmOutcome[]>(socket, '/v1/confirm', { ids })
  print(context, outcomes.map(confirmText).join('\n'))
  if (outcomes.some(({ result }) => result !== 'confirmed')) context.process.exitCode = exit.failed
}

type Trial = NonNullable<BanOutcome['trial']>

function isEnterPressed(withinMs: number): Promise<boolean> {
  const { stdin } = process
  return new Promise((resolve) => {
    const settle = (isPressed: boolean) => {
      clearTimeout(timer)
      stdin.removeAllListeners('data').removeAllListeners('end').pause()
      resolve(isPressed)
    }
    const timer = setTimeout(() => settle(false), withinMs)
    stdin.once('data', () => settle(true))
    stdin.once('end', () => settle(false))
  })
}

function outcomeText(outcome: BanOutcome): string {
  const who = `${harmless(outcome.ip)} in ${outcome.jail}`
  const left = outcome.endMs === null ? 'for good' : `for ${durationText((outcome.endMs ?? 0) - Date.now())}`
  switch (outcome.result) {
    case 'refused':
      return colour.bad(
        `${harmless(outcome.ip)}: refused: ${harmless(outcome.reason ?? '')}${outcome.canForce ? '; --force overrides that' : ''}`,
      )
    case 'already':
      return `${who}: already banned ${left}`
    case 'banned':
    case 'extended': {
      const doubts = [enforcementDoubt(outcome), outcome.saved ? '' : 'not saved yet']
      const doubt = doubts.filter(Boolean).join(', ')
      const told = outcome.told === undefined ? '' : tellings[outcome.told]
      return `${who}: ${outcome.result} ${left}${told}${doubt === '' ? '' : colour.careful(` (${doubt})`)}`
    }
  }
}

const tellings = {
  now: ', and the fleet is told',
  later: ', and the fleet is told when there is a way to it',
}

function enforcementDoubt({ enforced, simulated }: BanOutcome): string {
  if (simulated) return 'simulated only'
  return enforced ? '' : 'not enforced yet, see tocsin status'
}
