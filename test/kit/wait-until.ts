import { setTimeout as pause } from 'node:timers/promises'

const lookAgainMs = 10

/** Resolves when it has become true; fails with `what` when that takes longer than the bound. */
export async function waitUntil(
  isTrue: () => boolean | Promise<boolean>,
  what: string | (() => string),
  boundMs = 10_000,
): Promise<void> {
  const giveUpMs = performance.now() + boundMs
  while (!(await isTrue())) {
    if (performance.now() > giveUpMs)
      throw new Error(`Waited ${boundMs / 1000} s in vain until ${typeof what === 'string' ? what : what()}`)
    await pause(lookAgainMs)
  }
}
