import { expect } from 'vitest';

/** `expect`, asked again until it holds. Patient: the machine may be busy with other tests' servers. */
export const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 10_000, interval: 20 });
