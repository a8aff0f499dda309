import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type PrimarySide, readPrimarySide } from '../db/doctor/primary-side.ts';
import { splitUrls } from '../replicas/connection-url.ts';
import { createReplicas, type Replicas } from '../replicas/replicas.ts';
import { databaseSettings } from '../replicas/settings.ts';
import { findServers } from '../replicas/sources/find-servers.ts';
import { stateTraits } from '../replicas/states.ts';
import type { ReplicaStatus, ReplicationStatus } from '../replicas/status.ts';
import { BadSettingsError, parseSettings } from '../settings/parse.ts';
import type { Environment } from '../settings/setting.ts';

/** Standbys of a primary that is idle hear of it after half of wal_receiver_timeout: 5 s with what the documents say. */
const MAX_LOOK_MS = 6000;
const LOOK_MS = 50;
/** An age that needs no second look. */
const SETTLED_SECONDS = 2;

/** Those of Nagios and its kin: OK, WARNING, CRITICAL, UNKNOWN. */
const exitCodes = { OK: 0, DEGRADED: 1, DOWN: 2 } as const;
const nagiosWords = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'];

interface StatusOptions {
  readonly json: boolean;
  readonly nagios: boolean;
  /** Seconds; undefined: an age alone is no reason. */
  readonly warning: number | undefined;
  readonly critical: number | undefined;
}

/** What `--json` prints. */
interface StatusReport extends ReplicationStatus {
  readonly exitCode: number;
  /** Why the exit code is what it is, beside the states: ages beyond the limits, slots, the archiver. */
  readonly reasons: readonly string[];
  /** Null without PRIMARY_URL, and where nobody there answers. */
  readonly primarySide: PrimarySide | null;
}

/** Looks at every server once and prints what it found. Exit code 0 all is well, 1 warning, 2 critical. */
export async function status(
  args: readonly string[],
  env: Environment,
  log: (line: string) => void,
): Promise<number> {
  const options = parseOptions(args);
  const settings = parseSettings(databaseSettings, env);
  const replicas = createReplicas({ ...settings, poolSize: 1, pollIntervalSeconds: 0.25 });
  try {
    const [, side] = await Promise.all([
      replicas.firstLook.then(() => lookUntilSettled(replicas)),
      findPrimarySide(settings.primaryUrl, settings.discovery),
    ]);
    const report = judge(replicas.snapshot(), side, options);
    for (const line of describe(report, options)) log(line);
    return report.exitCode;
  } finally {
    await replicas.close();
  }
}

/** On an idle link one look brings only the age of the last commit. The next ones, and those of the primary, know better. */
async function lookUntilSettled(replicas: Replicas): Promise<void> {
  const deadline = performance.now() + MAX_LOOK_MS;
  const isSettled = ({ lagSeconds, status }: ReplicaStatus) =>
    !stateTraits[status].isAdvancing || (lagSeconds !== null && lagSeconds <= SETTLED_SECONDS);
  while (performance.now() < deadline && !replicas.snapshot().replicas.every(isSettled)) {
    await delay(LOOK_MS);
  }
}

function parseOptions(args: readonly string[]): StatusOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      nagios: { type: 'boolean', default: false },
      warning: { type: 'string', short: 'w' },
      critical: { type: 'string', short: 'c' },
    },
  });
  const { json, nagios } = values;
  const warning = parseSeconds('--warning', values.warning);
  const critical = parseSeconds('--critical', values.critical);
  if (warning !== undefined && critical !== undefined && critical < warning) {
    throw new BadSettingsError(['--critical: less than --warning']);
  }
  return { json, nagios, warning, critical };
}

function parseSeconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,9}(\.\d{1,6})?$/.test(text))
    return text === undefined ? text : Number(text);
  throw new BadSettingsError([`${name}: expected seconds, such as 30 or 0.5, got "${text}"`]);
}

type Discovery = Parameters<typeof findServers>[1];

/** The first that says it is a primary. What is wrong with its being reached, the status of the primary says. */
async function findPrimarySide(
  primaryUrl: string | undefined,
  discovery: Discovery,
): Promise<PrimarySide | null> {
  if (primaryUrl === undefined) return null;
  const { urls } = await findServers({ urls: splitUrls(primaryUrl), wanted: 'primary' }, discovery);
  for (const url of urls) {
    const side = await readPrimarySide(url).catch(() => null);
    if (side?.isPrimary) return side;
  }
  return null;
}

interface Judgement {
  readonly code: number;
  readonly reason: string;
}

function judge(
  found: ReplicationStatus,
  primarySide: PrimarySide | null,
  options: StatusOptions,
): StatusReport {
  const judgements = [
    ...found.replicas.flatMap((replica) => judgeAge(replica, options)),
    ...(primarySide ? judgePrimary(primarySide) : []),
  ];
  const exitCode = Math.max(exitCodes[found.status], ...judgements.map(({ code }) => code));
  return { ...found, exitCode, reasons: judgements.map(({ reason }) => reason), primarySide };
}

/** An age that is not known may be any. */
function judgeAge(
  { name, lagSeconds }: ReplicaStatus,
  { warning, critical }: StatusOptions,
): readonly Judgement[] {
  const isBeyond = (limit: number | undefined) =>
    limit !== undefined && (lagSeconds === null || lagSeconds > limit);
  const age = lagSeconds === null ? 'age unknown' : `up to ${lagSeconds.toFixed(1)} s old`;
  if (isBeyond(critical)) return [{ code: 2, reason: `${name} is ${age}, beyond ${critical} s` }];
  if (isBeyond(warning)) return [{ code: 1, reason: `${name} is ${age}, beyond ${warning} s` }];
  return [];
}

function judgePrimary({ slots, archiver }: PrimarySide): readonly Judgement[] {
  const spoilt = slots.flatMap(({ name, walStatus }): readonly Judgement[] => {
    if (walStatus === 'lost')
      return [{ code: 2, reason: `slot ${name} is lost: its standby must be cloned anew` }];
    if (walStatus === 'unreserved') return [{ code: 1, reason: `slot ${name} is about to lose its WAL` }];
    return [];
  });
  const isFailing = archiver.isOn && archiver.failsNow;
  return isFailing
    ? [...spoilt, { code: 1, reason: 'the archiver fails: WAL is kept until it no longer does' }]
    : spoilt;
}

function describe(report: StatusReport, options: StatusOptions): readonly string[] {
  if (options.json) return [JSON.stringify(report, withBigInts, 2)];
  if (options.nagios) return [describeForNagios(report, options)];
  return describeForPeople(report);
}

function withBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** One line, and after the bar the ages for a graph: 'name'=value;warning;critical. */
function describeForNagios(report: StatusReport, { warning, critical }: StatusOptions): string {
  const { exitCode, status, replicas, reasons, primary } = report;
  const streaming = replicas.filter((replica) => replica.status === 'STREAMING').length;
  const unwell = replicas.filter((replica) => replica.status !== 'STREAMING');
  const details = [
    `${status}, ${streaming} of ${replicas.length} standbys stream`,
    ...unwell.map(({ name, status: state }) => `${name} ${state}`),
    ...(primary && primary.status !== 'AVAILABLE' ? [`primary ${primary.status}`] : []),
    ...reasons,
  ];
  const ages = replicas.map(({ name, lagSeconds }) => {
    const label = name.replace(/['=]/g, '_');
    return `'${label}'=${lagSeconds === null ? 'U' : `${lagSeconds.toFixed(3)}s`};${warning ?? ''};${critical ?? ''};0`;
  });
  // A bar would begin the figures.
  return `CDR REPLICATION ${nagiosWords[exitCode]} - ${details.join('; ').replaceAll('|', '/')} | ${ages.join(' ')}`;
}

function describeForPeople(found: StatusReport): readonly string[] {
  const { primary, primarySide } = found;
  return [
    `${found.status}${found.asOf ? `, as of ${found.asOf}` : ''}`,
    ...found.sources.flatMap(({ kind, place, problem }) => (problem ? `  ${kind} ${place}: ${problem}` : [])),
    ...found.replicas.map((replica) => `  ${describeReplica(replica)}`),
    ...(primary ? [`  primary: ${primary.status}${primary.reason ? `. ${primary.reason}` : ''}`] : []),
    ...(primarySide ? describeSide(primarySide) : []),
    ...found.reasons.map((reason) => `  ! ${reason}`),
  ];
}

function describeReplica({ name, status, lagSeconds, lagBytes, confidence, reason }: ReplicaStatus): string {
  const age = lagSeconds === null ? 'age unknown' : `at most ${lagSeconds.toFixed(1)} s old`;
  const bytes = lagBytes === null ? '' : `, ${lagBytes} bytes behind`;
  return `${name}: ${status}, ${age}${bytes} (confidence ${confidence})${reason ? `. ${reason}` : ''}`;
}

function describeSide({ senders, slots, archiver }: PrimarySide): readonly string[] {
  const archiving = archiver.isOn ? `${archiver.archived} archived, ${archiver.failed} failed` : 'off';
  return [
    ...senders.map(
      ({ name, address, state, sync, unsentBytes, unreplayedBytes }) =>
        `    sends to ${name} (${address ?? 'local'}): ${state ?? 'hidden'}${sync ? `, ${sync}` : ''}, ` +
        `${unsentBytes ?? 'unknown'} bytes not sent, ${unreplayedBytes ?? 'unknown'} not replayed`,
    ),
    ...slots.map(
      ({ name, kind, isActive, walStatus, keptBytes }) =>
        `    slot ${name} (${kind}): ${isActive ? 'in use' : 'idle'}, ${walStatus ?? 'keeps nothing'}, ${keptBytes ?? 0} bytes kept`,
    ),
    `    archiver: ${archiving}`,
  ];
}
