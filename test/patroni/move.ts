import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../faults/commits.ts';
import { describeFailures, type Failure, Load } from '../faults/load.ts';
import { waitUntil } from '../faults/rig.ts';
import { Sampling } from '../faults/samples.ts';
import type { PatroniNode } from './patroni-cluster.ts';
import { type PatroniRig, untilAllIsWell } from './patroni-rig.ts';

export const MOVE_KINDS = ['switch-over', 'killed leader'] as const;
export type MoveKind = (typeof MOVE_KINDS)[number];

/** What was seen of one change of the leader. Durations are in seconds. */
export interface MoveReport {
  readonly kind: MoveKind;
  readonly from: string;
  readonly to: string;
  readonly samples: number;
  readonly requests: number;
  readonly violations: readonly string[];
  readonly failures: readonly Failure[];
  /** Requests with a limit that no standby met. */
  readonly refused: number;
  readonly longestSeconds: number;
  readonly slowest: string;
  /** Until the next leader had committed a call. */
  readonly withoutLeaderSeconds: number;
  /** Until both gateways read from two standbys again. */
  readonly wholeSeconds: number;
}

const BEFORE_SECONDS = 1;
const AFTER_SECONDS = 1;
const MAX_LEADERLESS_SECONDS = 60;
const MAX_RECOVERY_SECONDS = 150;

/** Moves the leader under load, and waits until all is well again. */
export async function moveLeader(rig: PatroniRig, kind: MoveKind): Promise<MoveReport> {
  const { cluster, commits, gateways } = rig;
  await untilAllIsWell(rig, MAX_RECOVERY_SECONDS);
  const from = (await cluster.leader())!;
  const sampling = new Sampling(rig);
  const loads = gateways.map((gateway) => new Load(gateway, commits));
  let to = from;
  let withoutLeaderSeconds = Number.NaN;
  let wholeSeconds = Number.NaN;
  try {
    await delay(BEFORE_SECONDS * 1000);
    const begun = seconds();
    await act(rig, kind, from);
    to = await cluster.untilLeaderOtherThan(from, MAX_LEADERLESS_SECONDS);
    const committed = commits.count;
    await waitUntil(() => commits.count > committed, MAX_LEADERLESS_SECONDS);
    withoutLeaderSeconds = seconds() - begun;
    if (kind === 'killed leader') await from.start();
    await untilAllIsWell(rig, MAX_RECOVERY_SECONDS);
    wholeSeconds = seconds() - begun;
    await delay(AFTER_SECONDS * 1000);
  } finally {
    await sampling.stop();
    await Promise.all(loads.map((load) => load.stop()));
  }
  return report(kind, { from, to }, { sampling, loads, withoutLeaderSeconds, wholeSeconds });
}

function act({ cluster }: PatroniRig, kind: MoveKind, leader: PatroniNode): Promise<void> {
  return kind === 'switch-over' ? cluster.switchOver(leader) : leader.kill();
}

async function report(
  kind: MoveKind,
  { from, to }: { readonly from: PatroniNode; readonly to: PatroniNode },
  {
    sampling,
    loads,
    ...durations
  }: { readonly sampling: Sampling; readonly loads: readonly Load[] } & Pick<
    MoveReport,
    'withoutLeaderSeconds' | 'wholeSeconds'
  >,
): Promise<MoveReport> {
  const reports = await Promise.all(loads.map((load) => load.stop()));
  const slowest = reports.toSorted((a, b) => b.longestSeconds - a.longestSeconds)[0]!;
  return {
    kind,
    from: from.name,
    to: to.name,
    samples: sampling.samples,
    requests: reports.reduce((total, { requests }) => total + requests, 0),
    violations: [...sampling.violations, ...reports.flatMap(({ violations }) => violations)],
    failures: reports.flatMap(({ failures }) => failures),
    refused: reports.reduce((total, { refusals }) => total + refusals, 0),
    longestSeconds: slowest.longestSeconds,
    slowest: slowest.slowest,
    ...durations,
  };
}

/**
 * Failures that need not have been. A standby may have had more than the one that was promoted: what was read there went with
 * the leader that was killed, as POSITION_LOST says.
 */
export function needlessFailuresOf({ kind, failures }: Pick<MoveReport, 'kind' | 'failures'>): Failure[] {
  return failures.filter(({ code }) => kind !== 'killed leader' || code !== 'POSITION_LOST');
}

/** Why the gateways did not behave as promised; empty when they did. */
export function defectsOf(report: MoveReport): string[] {
  const { kind, from, violations } = report;
  const failures = describeFailures(needlessFailuresOf(report));
  return [...violations, ...failures].map((defect) => `${kind} of ${from}: ${defect}`);
}
