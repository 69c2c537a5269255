/** Time is handed in, so that tests can turn it. All times are epoch milliseconds. */
export interface Clock {
  now(): number
  /** Runs `task` once after `delayMs`; the returned function cancels it. Never keeps the process alive by itself. */
  after(delayMs: number, task: () => void): () => void
}

/** The longest delay `setTimeout` takes (2^31 - 1 ms, about 24.8 days). NOTE: beyond it Node fires at once. */
const timerDelayMsMax = 0x7fffffff

export const systemClock: Clock = {
  now: Date.now,
  after(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, delayMs), timerDelayMsMax))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
