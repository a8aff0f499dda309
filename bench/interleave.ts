/** Something that can be measured again and again; `T` is what one run says. */
export interface Side<T> {
  readonly name: string;
  run(): Promise<T>;
  /** Instead of a run, before any counts. */
  warmUp?(): Promise<unknown>;
}

export interface InterleaveOptions {
  readonly repeats: number;
  /** Runs of each side before any counts: caches, compilers and connections are as they will be. */
  readonly warmups: number;
}

/**
 * Measures the sides in turns, A B C, B C A, C A B, …: what else the machine does meanwhile, and what one
 * side leaves behind, falls on all of them.
 */
export async function interleave<T>(
  sides: readonly Side<T>[],
  { repeats, warmups }: InterleaveOptions,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(sides.map(({ name }) => [name, []]));
  for (let round = -warmups; round < repeats; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const side = sides[(Math.max(round, 0) + turn) % sides.length]!;
      if (round < 0) await (side.warmUp?.() ?? side.run());
      else results.get(side.name)!.push(await side.run());
    }
  }
  return results;
}
