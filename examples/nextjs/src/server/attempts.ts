/** Counts failed sign-ins by name, so that a password cannot be found by trying. */
export interface Attempts {
  /** Seconds to wait; 0 when another attempt is allowed now. */
  waitFor(name: string, now: number): number;
  failed(name: string, now: number): void;
  succeeded(name: string): void;
}

const WINDOW_SECONDS = 60;
const ALLOWED = 8;
const MAX_NAMES = 10_000;

export function createAttempts(): Attempts {
  const failures = new Map<string, number[]>();
  const recent = (name: string, now: number) =>
    (failures.get(name) ?? []).filter((at) => at > now - WINDOW_SECONDS * 1000);

  return {
    waitFor(name, now) {
      const times = recent(name, now);
      if (times.length < ALLOWED) return 0;
      return Math.ceil((times[0]! + WINDOW_SECONDS * 1000 - now) / 1000);
    },
    failed(name, now) {
      if (failures.size >= MAX_NAMES) failures.clear();
      failures.set(name, [...recent(name, now), now]);
    },
    succeeded(name) {
      failures.delete(name);
    },
  };
}
