import { formatBytes } from '../../src/backup/restore.ts';
import type { SizeFigures } from './play.ts';

/** Calls a day that a table shows beside those that were measured. */
const SHOWN = [1e6, 1e7, 1e8];
const DAY_SECONDS = 86_400;

/** The table of docs/sizing.md. What was measured is marked; the rest is that many times as much. */
export function describeSizes(figures: SizeFigures): readonly string[] {
  const { calls, backups } = figures;
  const columns = [...new Set([calls, ...SHOWN])].sort((one, other) => one - other);
  const row = (name: string, value: (factor: number) => string) =>
    `| ${name} | ${columns.map((each) => value(each / calls)).join(' | ')} |`;
  const bytes = (name: string, value: number) => row(name, (factor) => formatBytes(value * factor));
  const { tableBytes, indexBytes, walBytes } = figures;
  const rate = (value: number) => (factor: number) => `${megabits(value * factor)} Mbit/s`;
  const cores = (seconds: number) => (factor: number) => ((seconds * factor) / DAY_SECONDS).toFixed(4);
  return [
    `Measured ${new Date().toISOString().slice(0, 10)}: ${group(calls)} calls of one day, in a table that had ${group(figures.history)}; wal_compression ${figures.walCompression}. ${figures.machine}.`,
    '',
    `| a day | ${columns.map((each) => `${group(each)} calls${each === calls ? ', measured' : ''}`).join(' | ')} |`,
    `| --- |${columns.map(() => ' ---: |').join('')}`,
    bytes('table', tableBytes),
    bytes('indexes', indexBytes),
    bytes('WAL', walBytes),
    row('WAL on the network, mean', rate(walBytes)),
    row('WAL on the network, three times the mean', rate(3 * walBytes)),
    ...(backups
      ? [
          bytes('archive of the WAL', backups.archiveBytes),
          bytes('incremental backup', backups.incrementalBytes),
          bytes('full backup, for each such day in the table', (backups.fullBytes * calls) / figures.history),
        ]
      : []),
    bytes('kept for 90 days: table and indexes', 90 * (tableBytes + indexBytes)),
    bytes('kept for a year: table and indexes', 365 * (tableBytes + indexBytes)),
    row('processors, primary: insert', cores(figures.primaryCpuSeconds)),
    row('processors, standby: replay', cores(figures.standbyCpuSeconds)),
    '',
    ...describeRest(figures),
  ];
}

function describeRest({
  calls,
  history,
  gateway,
  backups,
  walBytes,
  pageImages,
  ...figures
}: SizeFigures): readonly string[] {
  const perCall = (value: number) => Math.round(value / calls);
  const restored = backups
    ? [
        `- A full backup of ${group(history)} calls took ${backups.fullSeconds.toFixed(0)} s, the incremental one after the day ${backups.incrementalSeconds.toFixed(0)} s; a drill over ${group(history + calls)} calls, from nothing to every day compared, ${backups.drillSeconds.toFixed(0)} s.`,
      ]
    : [];
  return [
    `- A call is ${perCall(figures.tableBytes)} bytes of the table, ${perCall(figures.indexBytes)} of indexes and ${perCall(walBytes)} of WAL; ${group(pageImages)} pages were written whole, after a checkpoint each five minutes.`,
    `- The primary needed ${((figures.primaryCpuSeconds / calls) * 1e6).toFixed(0)} s of a processor for a million calls, the standby ${((figures.standbyCpuSeconds / calls) * 1e6).toFixed(0)} s to replay them.`,
    `- A gateway has ${formatBytes(gateway.idleBytes)} of memory when it is ready, and had ${formatBytes(gateway.peakBytes)} at most while pages, statistics of all calls and a list of 100,000 were read. One of its connections is ${formatBytes(gateway.connectionBytes)} of the standby's memory.`,
    ...restored,
  ];
}

const group = (number: number): string => number.toLocaleString('en-US');
const megabits = (bytesOfDay: number): string => ((bytesOfDay * 8) / DAY_SECONDS / 1e6).toFixed(2);
