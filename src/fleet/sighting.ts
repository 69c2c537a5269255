/** Counts of failures at which a node tells the others; each says that there are at least so many. */
export const marksByDefault: readonly number[] = [1, 3, 10, 30]

/**
 * The mark that a jail's count of failures of one address has reached by growing from `before` to `failures`; undefined: none, and there is
 * nothing to tell. The highest, where one step passes several. Counts that have fallen since, because old failures ran out, reach a
 * mark again: that they are that high now is news. For a node's own failures only: never for what it knows from others.
 */
export function markReached(
  before: number,
  failures: number,
  marks: readonly number[] = marksByDefault,
): number | undefined {
  return marks.findLast((mark) => before < mark && mark <= failures)
}
