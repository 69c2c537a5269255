/** What is wrong with the text of a formula, and where (0-based). */
export class FormulaError extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.name = 'FormulaError'
    this.at = at
  }
}
