import { setTimeout as pause } from 'node:timers/promises'

const lookAgainMs = 10
/** Longer than a broken way between machines needs to be noticed (two pings of five seconds), or a daemon to start where others have the processor. */
const patienceMs = 30_000

/** Resolves when it has become true; fails with `what` when that takes longer than the bound. */
export async function waitUntil(
  isTrue: () => boolean | Promise<boolean>,
  what: string | (() => string),
  boundMs = patienceMs,
): Promise<void> {
  const giveUpMs = performance.now() + boundMs
  while (!(await isTrue())) {
    if (performance.now() > giveUpMs)
      throw new Error(`Waited ${boundMs / 1000} s in vain until ${typeof what === 'string' ? what : what()}`)
    await pause(lookAgainMs)
  }
}
