/** How the age of data is to be taken. Unknown is never good: an age that nobody knows may be any. */
export type Level = 'good' | 'amber' | 'red' | 'unknown';

export interface Thresholds {
  readonly amberSeconds: number;
  readonly redSeconds: number;
}

export function levelOf(seconds: number | null | undefined, { amberSeconds, redSeconds }: Thresholds): Level {
  if (seconds == null) return 'unknown';
  if (seconds >= redSeconds) return 'red';
  return seconds >= amberSeconds ? 'amber' : 'good';
}
