import { formatBytes } from '../../src/backup/restore.ts';
import type { SizeFigures } from './play.ts';

const DAY_SECONDS = 86_400;
/** Beyond what is measured: ten times the largest run. */
const BEYOND = 10;

/**
 * The table of docs/sizing.md from all runs, the fewest calls first: each as it was measured, and ten times the largest; how the largest
 * differs from the smallest, for each call, says how far that may be trusted.
 */
export function describeSizes(runs: readonly SizeFigures[]): readonly string[] {
  const [smallest, largest] = [runs[0]!, runs.at(-1)!];
  const derived = largest.calls * BEYOND;
  const hasTrend = runs.length > 1;
  const heads = [
    ...runs.map(({ calls }) => `${group(calls)} calls, measured`),
    ...(hasTrend ? ['for each call, the last against the first'] : []),
    `${group(derived)} calls, derived`,
  ];
  /** `read` gives what a whole day takes, undefined where it was not measured. */
  const row = (
    name: string,
    read: (run: SizeFigures) => number | undefined,
    show: (value: number) => string,
  ) => {
    const values = runs.map(read);
    const known = runs.findLast((run) => read(run) !== undefined);
    if (!known) return [];
    const ofCall = (run: SizeFigures) => (read(run) ?? Number.NaN) / run.calls;
    const trend = ofCall(largest) / ofCall(smallest);
    const cells = [
      ...values.map((value) => (value === undefined ? '–' : show(value))),
      ...(hasTrend ? [Number.isNaN(trend) ? '–' : `${trend.toFixed(2)}`] : []),
      show((read(known)! * derived) / known.calls),
    ];
    return [`| ${name} | ${cells.join(' | ')} |`];
  };
  const rate = (value: number) => `${((value * 8) / DAY_SECONDS / 1e6).toFixed(2)} Mbit/s`;
  const cores = (seconds: number) => (seconds / DAY_SECONDS).toFixed(4);
  const stored = (run: SizeFigures) => ofDay(run, run.tableBytes + run.indexBytes);
  return [
    ...runs.map(describeRun),
    '',
    `| a day | ${heads.join(' | ')} |`,
    `| --- |${heads.map(() => ' ---: |').join('')}`,
    ...row('table', (run) => ofDay(run, run.tableBytes), formatBytes),
    ...row('indexes', (run) => ofDay(run, run.indexBytes), formatBytes),
    ...row('WAL', (run) => ofDay(run, run.walBytes), formatBytes),
    ...row('WAL on the network, mean', (run) => ofDay(run, run.walBytes), rate),
    ...row('WAL on the network, three times the mean', (run) => 3 * ofDay(run, run.walBytes), rate),
    ...row('archive of the WAL', (run) => run.backups && ofDay(run, run.backups.archiveBytes), formatBytes),
    ...row(
      'incremental backup',
      (run) => run.backups && ofDay(run, run.backups.incrementalBytes),
      formatBytes,
    ),
    ...row(
      'full backup, for each such day in the table',
      (run) => run.backups && (run.backups.fullBytes * run.calls) / run.history,
      formatBytes,
    ),
    ...row('kept for 90 days: table and indexes', (run) => 90 * stored(run), formatBytes),
    ...row('kept for a year: table and indexes', (run) => 365 * stored(run), formatBytes),
    ...row('processors, primary: insert', (run) => ofDay(run, run.primaryCpuSeconds), cores),
    ...row('processors, standby: replay', (run) => ofDay(run, run.standbyCpuSeconds), cores),
    '',
    ...runs.flatMap(describeRest),
  ];
}

/** What a whole day takes, of which some hours were played. */
const ofDay = ({ hours }: SizeFigures, value: number): number => (value * 24) / hours;
const playedCalls = ({ calls, hours }: SizeFigures): number => Math.round((calls * hours) / 24);

function describeRun(run: SizeFigures): string {
  const { at, calls, hours, history, walCompression, machine } = run;
  const part = hours === 24 ? '' : `, of which ${hours} hours were played, ${group(playedCalls(run))} calls`;
  return `- Measured ${at}: ${group(calls)} calls a day${part}, in a table that had ${group(history)}; wal_compression ${walCompression}. ${machine}.`;
}

function describeRest(run: SizeFigures): readonly string[] {
  const { calls, history, gateway, backups, walBytes, pageImages } = run;
  const played = playedCalls(run);
  const perCall = (value: number) => group(Math.round(value / played));
  const cpu = (seconds: number) => ((seconds / played) * 1e6).toFixed(0);
  const restored = backups
    ? [
        `- A full backup of ${group(history)} calls took ${backups.fullSeconds.toFixed(0)} s, the incremental one after the day ${backups.incrementalSeconds.toFixed(0)} s; a drill over ${group(history + played)} calls, from nothing to every day compared, ${backups.drillSeconds.toFixed(0)} s.`,
      ]
    : [];
  return [
    `- At ${group(calls)} a day a call is ${perCall(run.tableBytes)} bytes of the table, ${perCall(run.indexBytes)} of indexes and ${perCall(walBytes)} of WAL; ${(pageImages / played).toFixed(2)} pages were written whole for each, after a checkpoint each five minutes. The primary needed ${cpu(run.primaryCpuSeconds)} s of a processor for a million calls, the standby ${cpu(run.standbyCpuSeconds)} s to replay them.`,
    `- Over that table a gateway has ${formatBytes(gateway.idleBytes)} of memory when it is ready, and had ${formatBytes(gateway.peakBytes)} at most while pages, statistics of all calls and a list of 100,000 were read. One of its connections is ${formatBytes(gateway.connectionBytes)} of the standby's memory.`,
    ...restored,
  ];
}

const group = (number: number): string => number.toLocaleString('en-US');
