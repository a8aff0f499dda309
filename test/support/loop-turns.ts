/** How long others wait for the event loop, in processor time: what else the machine does meanwhile does not count. */
export interface LoopTurns {
  /** Milliseconds of the longest turn so far. */
  stop(): number;
}

/** Watches how much processor time of this thread passes between two turns of the event loop. */
export function watchLoopTurns(): LoopTurns {
  let longest = 0;
  let last = threadMillis();
  let isWatching = true;
  function turn() {
    const now = threadMillis();
    longest = Math.max(longest, now - last);
    last = now;
    if (isWatching) setImmediate(turn);
  }
  setImmediate(turn);
  return {
    stop() {
      isWatching = false;
      return longest;
    },
  };
}

/**
 * What no list may keep the event loop for, in milliseconds. The bench holds the longest turn to 50; here a processor that is
 * shared counts some of what it gave to others as ours. A list that is not cut into turns takes seconds.
 */
export const MAX_TURN_MILLIS = 200;

function threadMillis(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * The longest turn while something is read, in milliseconds of processor time. Garbage that others have left is collected in
 * some turn of any reading: one that is too long is tried again, and what belongs to the reading itself stays.
 */
export async function longestTurnOf(read: () => Promise<unknown>, tries = 3): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let left = tries; left > 0 && least >= MAX_TURN_MILLIS; left--) {
    const turns = watchLoopTurns();
    await read();
    least = Math.min(least, turns.stop());
  }
  return least;
}
