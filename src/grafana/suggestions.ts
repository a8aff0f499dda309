/** ` Did you mean "account"?`, or nothing when no known name is near. */
export function suggestName(name: string, known: readonly string[]): string {
  const lower = name.slice(0, 80).toLowerCase();
  const [nearest] = known
    .map((one) => ({ one, distance: editDistance(lower, one.toLowerCase()) }))
    .filter(({ one, distance }) => distance <= Math.max(1, Math.floor(one.length * 0.4)))
    .sort((a, b) => a.distance - b.distance);
  return nearest ? ` Did you mean "${nearest.one}"?` : '';
}

/** Insertions, deletions, replacements and exchanges of neighbours that make one text of the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const best = Math.min(
        current[column - 1]! + 1,
        last[column]! + 1,
        last[column - 1]! + (isSame ? 0 : 1),
      );
      const isExchange = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = isExchange ? Math.min(best, beforeLast[column - 2]! + 1) : best;
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length]!;
}
