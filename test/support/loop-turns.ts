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

function threadMillis(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
