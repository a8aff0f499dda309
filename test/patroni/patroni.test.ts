import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defectsOf, moveLeader } from './move.ts';
import { patroniPrograms } from './patroni-cluster.ts';
import { type PatroniRig, startPatroniRig } from './patroni-rig.ts';

/** The short form of `npm run test:patroni`, which moves the leader forty times and writes docs/patroni.md. */
describe.skipIf(!patroniPrograms)('while Patroni moves the leader', () => {
  let rig: PatroniRig;

  beforeAll(async () => {
    rig = await startPatroniRig(patroniPrograms!);
  }, 300_000);

  afterAll(() => rig?.[Symbol.asyncDispose]());

  test.each(['switch-over', 'killed leader'] as const)(
    'no read fails, and every bound is true: %s',
    async (kind) => {
      const report = await moveLeader(rig, kind);
      const defects = defectsOf(report);
      // Said in the message itself, since what differs is shortened.
      expect(defects, defects.join('\n')).toEqual([]);
      expect(report.to).not.toBe(report.from);
      expect(report.samples).toBeGreaterThan(10);
    },
    300_000,
  );
});
