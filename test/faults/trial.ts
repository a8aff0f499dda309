import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from './commits.ts';
import type { Fault } from './faults.ts';
import { countByCode, describeFailures, Load } from './load.ts';
import type { Rig } from './rig.ts';
import { waitUntil } from './rig.ts';
import { type Look, Sampling } from './samples.ts';

/** What was seen of one fault. Durations are in seconds; null where there is nothing to measure. */
export interface TrialReport {
  readonly fault: string;
  readonly group: string;
  readonly samples: number;
  readonly requests: number;
  readonly violations: readonly string[];
  /** Bounds below the truth that said LOW, with the reason. */
  readonly doubted: number;
  readonly failed: number;
  readonly failures: string;
  readonly failureStories: readonly string[];
  readonly refused: number;
  readonly longestSeconds: number;
  readonly slowest: string;
  readonly noticedSeconds: number | null;
  readonly recoveredSeconds: number | null;
  /** Whether a standby was well all the time, so that no request need have failed. */
  readonly isSpared: boolean;
}

const BEFORE_SECONDS = 1;
const AFTER_SECONDS = 0.5;
const MAX_RECOVERY_SECONDS = 30;

/** Makes the fault under load, ends it, and waits until all is well again. */
export async function tryFault(rig: Rig, fault: Fault): Promise<TrialReport> {
  if (!(await waitUntil(() => isWell(rig), MAX_RECOVERY_SECONDS)))
    throw new Error(`Not well before: ${fault.name}`);
  const sampling = new Sampling(rig);
  const loads = rig.gateways.map((gateway) => new Load(gateway, rig.commits));
  let begunAt = 0;
  let healedAt = 0;
  let wellAt = Number.NaN;
  try {
    await delay(BEFORE_SECONDS * 1000);
    begunAt = seconds();
    await fault.inject(rig);
    await delay(Math.max(0, fault.holdSeconds - (seconds() - begunAt)) * 1000);
    // Whatever a gateway was asked while it was frozen waits from when it is woken, which comes first.
    if (fault.freezesGateway) loads[fault.freezesGateway - 1]!.excusedUntil = seconds();
    await fault.heal(rig);
    healedAt = seconds();
    if (fault.delaysTokens) for (const load of loads) load.excuseTokens(begunAt, healedAt);
    if (await waitUntil(() => isWell(rig), MAX_RECOVERY_SECONDS)) wellAt = seconds();
    await delay(AFTER_SECONDS * 1000);
  } finally {
    await sampling.stop();
  }
  const reports = await Promise.all(loads.map((load) => load.stop()));
  const failures = reports.flatMap((report) => report.failures);
  const slowest = reports.toSorted((a, b) => b.longestSeconds - a.longestSeconds)[0]!;
  const sum = (count: (report: (typeof reports)[number]) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  return {
    fault: fault.name,
    group: fault.group,
    samples: sampling.samples,
    requests: sum(({ requests }) => requests),
    violations: [...sampling.violations, ...reports.flatMap(({ violations }) => violations)],
    doubted: sampling.doubted,
    failed: failures.length,
    failures: countByCode(failures),
    failureStories: describeFailures(failures),
    refused: sum(({ refusals }) => refusals),
    longestSeconds: slowest.longestSeconds,
    slowest: slowest.slowest,
    noticedSeconds: fault.shows === undefined ? null : findNotice(sampling.looks, fault, begunAt, healedAt),
    recoveredSeconds: Number.isNaN(wellAt) ? Number.POSITIVE_INFINITY : wellAt - healedAt,
    isSpared: fault.isSpared,
  };
}

/** Both gateways say that everything is as it should be, and the standbys show everything but the last moment. */
async function isWell({ gateways, standbys, commits }: Rig): Promise<boolean> {
  const statuses = await Promise.all(gateways.map((gateway) => gateway.status()));
  if (statuses.some((status) => status?.status !== 'OK')) return false;
  const shown = await Promise.all(standbys.map(({ witness }) => witness.visible()));
  return shown.every((visible) => visible !== undefined && commits.ageOfMissing(visible, seconds()) < 1);
}

/** When every gateway that could know said so; infinity when one never did. */
function findNotice(looks: readonly Look[], { shows }: Fault, begunAt: number, healedAt: number): number {
  const times = [0, 1].map((gateway) => {
    // Without PRIMARY_URL, the state of the primary is that of its standbys.
    const found = looks.find(({ at, statuses }) => {
      const status = statuses[gateway];
      if (at < begunAt || at > healedAt + 1 || !status) return false;
      return shows === 'primary'
        ? status.status !== 'OK'
        : status.replicas.some(({ name, status: state }) => name === shows && state !== 'STREAMING');
    });
    return found ? found.at - begunAt : Number.POSITIVE_INFINITY;
  });
  return shows === 'primary' ? Math.min(...times) : Math.max(...times);
}
