/** Time as an argument. Seconds throughout, as everywhere in this room. */
export interface Clock {
  /** From an arbitrary start; never goes back, and counts the time a machine was suspended. */
  now(): number;
  /** Since 1970-01-01T00:00:00Z, by this machine's clock. */
  wall(): number;
  /** Runs `task` once, `seconds` from now. Call the result to forget it. */
  after(seconds: number, task: () => void): () => void;
}

/** A difference between the two clocks of a machine that grows by more than this was a suspension (or a step). */
const SUSPENSION_SECONDS = 0.5;

/**
 * The clock of this machine. The monotonic clock stands still while a machine is suspended, and a replica
 * would look fresh after the night; so a forward jump of the wall clock counts as time gone by. A step made
 * by hand then also ages what is known: too old is safe, too fresh is not.
 */
export function systemClock(): Clock {
  let suspended = 0;
  let difference = Date.now() / 1000 - performance.now() / 1000;

  function now(): number {
    const monotonic = performance.now() / 1000;
    const grown = Date.now() / 1000 - monotonic - difference;
    if (Math.abs(grown) > SUSPENSION_SECONDS) {
      difference += grown;
      suspended += Math.max(0, grown);
    }
    return monotonic + suspended;
  }

  return {
    now,
    wall: () => Date.now() / 1000,
    after(seconds, task) {
      const timer = setTimeout(task, seconds * 1000);
      return () => clearTimeout(timer);
    },
  };
}

/** Resolves after so many seconds of this clock. */
export function sleep(clock: Clock, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(seconds, resolve);
  });
}
