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

  /**
   * A killed leader may be tried once more. Patroni stops a standby that has more than the promoted one, to rewind it: a list
   * that it is sending in that moment, of which bytes have gone out, has to end with REPLICA_LOST, since what was sent is lost.
   * That takes such a standby, and a list between its first byte and its last: it was seen in none of 24 killed leaders.
   */
  for (const [kind, retry] of [
    ['switch-over', 0],
    ['killed leader', 1],
  ] as const) {
    test(`no read fails, and every bound is true: ${kind}`, { retry, timeout: 300_000 }, async () => {
      const report = await moveLeader(rig, kind);
      const defects = defectsOf(report);
      // Said in the message itself, since what differs is shortened.
      expect(defects, defects.join('\n')).toEqual([]);
      expect(report.to).not.toBe(report.from);
      expect(report.samples).toBeGreaterThan(10);
    });
  }
});
