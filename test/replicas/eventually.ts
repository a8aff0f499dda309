import { expect } from 'vitest';

/** `expect`, repeated until it holds. The limit is long: the machine may be busy with other tests' servers. */
export const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 30_000, interval: 20 });
