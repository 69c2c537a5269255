const errorCharsMax = 500

/** The error for a program of the system that did not do what it was asked; has its `exitCode`. */
export function programFailure(
  argv: readonly string[],
  answer: { exitCode: number | undefined; stderr: string },
): Error {
  const said = answer.stderr.trim().slice(0, errorCharsMax) || 'it said nothing'
  const message = `${argv.join(' ')} failed with exit status ${answer.exitCode ?? 'none'}: ${said}`
  return Object.assign(new Error(message), { exitCode: answer.exitCode })
}
