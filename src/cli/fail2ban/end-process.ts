/**
 * Ends this process once everything is printed. Not left to its natural end: a signal ends a command that still waits for its answer.
 * NOTE: what goes into a pipe or socket is written later; `process.exit` alone would drop all but the first 64 KiB or so.
 */
export function endProcess(exitCode: number): void {
  // Who reads has seen enough: `| head`.
  process.stdout.once('error', () => process.exit(exitCode))
  process.stdout.write('', () => process.exit(exitCode))
}
