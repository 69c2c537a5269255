import { type ChildResult, runChild } from '../lib/child.js'

/** Of each output; enough for any message, and no action can fill the memory. */
const outputBytesMax = 64 * 1024

/**
 * Runs the command of an action: in its own process group, in `/`, with our environment, and new files readable for us only (umask 077),
 * as Fail2ban's daemon does (spec 6.1).
 */
export function runAction(
  argv: readonly string[],
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<ChildResult> {
  const mask = process.umask(0o077)
  try {
    // The child is forked before this call returns, so nothing else of ours sees the mask.
    return runChild(argv, { ...options, cwd: '/', outputBytesMax })
  } finally {
    process.umask(mask)
  }
}
