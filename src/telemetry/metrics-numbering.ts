import type { Registry } from 'prom-client';
import type { NumberingReports } from '../numbering/numbering.ts';
import type { FileReport } from '../numbering/watched-file.ts';
import { createGaugeTable, type GaugeRow } from './gauge-table.ts';

export interface NumberingMetrics {
  /** Before each scrape. A file that is not configured has no series. */
  show(reports: NumberingReports): void;
}

const gauges: Readonly<Record<string, GaugeRow<FileReport>>> = {
  gateway_numbering_entries: {
    help: 'Blocks of the numbering plan, or names of operators, that are in use.',
    read: ({ entries }) => entries,
  },
  gateway_numbering_bad_lines: {
    help: 'Lines of the file in use that were left out.',
    read: ({ badLines }) => badLines,
  },
  gateway_numbering_loaded_timestamp_seconds: {
    help: 'When the file in use was read, since 1970. Absent when none ever was.',
    read: ({ loadedAt }) => (loadedAt === null ? null : loadedAt / 1000),
  },
  gateway_numbering_unusable: {
    help: '1 when the file as it is now cannot be used, and an older one or none is.',
    read: ({ problem }) => Number(problem !== null),
  },
};

export function createNumberingMetrics(registry: Registry): NumberingMetrics {
  const show = createGaugeTable(registry, 'file', gauges);
  return { show: (reports) => show(Object.entries(reports)) };
}
