import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { shortFaults } from './faults.ts';
import { defectsOf } from './report.ts';
import { type Rig, startRig } from './rig.ts';
import { tryFault } from './trial.ts';

/** The short form of `npm run test:faults`, which has all of them and writes docs/faults.md. */
let rig: Rig;

beforeAll(async () => {
  rig = await startRig(inject('postgres').major);
});

afterAll(() => rig?.[Symbol.asyncDispose]());

test.each(shortFaults)('$group: $name', async (fault) => {
  const report = await tryFault(rig, fault);
  const defects = defectsOf([report]);
  // Said in the message itself, since what differs is shortened.
  expect(defects, defects.join('\n')).toEqual([]);
  expect(report.samples).toBeGreaterThan(10);
});
