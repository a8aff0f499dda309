/** Of two long texts. */
const EXCERPT = 120;

/** Throws, saying where the first difference is, unless both are the same. */
export function assertSameText(actual: string, expected: string, about: string): void {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const excerpt = (text: string) => text.slice(Math.max(0, at - EXCERPT), at + EXCERPT);
  throw new Error(`${about}\n  is        … ${excerpt(actual)} …\n  should be … ${excerpt(expected)} …`);
}

/** The same for values that JSON can say. */
export function assertSame(actual: unknown, expected: unknown, about: string): void {
  assertSameText(JSON.stringify(actual), JSON.stringify(expected), about);
}
