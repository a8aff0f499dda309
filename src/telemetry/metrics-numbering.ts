import { Gauge, type Registry } from 'prom-client';
import type { NumberingReports } from '../numbering/numbering.ts';
import type { FileReport } from '../numbering/watched-file.ts';

export interface NumberingMetrics {
  /** Before each scrape. A file that is not configured has no series. */
  show(reports: NumberingReports): void;
}

/** One figure per file. Null means that there is none. */
interface FileGauge {
  readonly help: string;
  readonly read: (report: FileReport) => number | null;
}

const gauges: Readonly<Record<string, FileGauge>> = {
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
  const figures = Object.entries(gauges).map(([name, { help, read }]) => ({
    gauge: new Gauge({ name, help, labelNames: ['file'], registers: [registry] }),
    read,
  }));

  return {
    show(reports) {
      for (const { gauge, read } of figures) {
        gauge.reset();
        for (const [file, report] of Object.entries(reports)) {
          const value = read(report);
          if (value !== null) gauge.set({ file }, value);
        }
      }
    },
  };
}
