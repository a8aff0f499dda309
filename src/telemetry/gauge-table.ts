import { Gauge, type Registry } from 'prom-client';

/** One figure of a subject. Null and undefined mean that it is not known: then it has no series, since 0 always means 0. */
export interface GaugeRow<Subject> {
  readonly help: string;
  read(subject: Subject): number | bigint | boolean | null | undefined;
}

/** Gauges with one series for each subject, named by `label`. Show them anew before each scrape. */
export function createGaugeTable<Subject>(
  registry: Registry,
  label: string,
  rows: Readonly<Record<string, GaugeRow<Subject>>>,
): (subjects: Iterable<readonly [name: string, subject: Subject]>) => void {
  const gauges = Object.entries(rows).map(([name, { help, read }]) => ({
    gauge: new Gauge({ name, help, labelNames: [label], registers: [registry] }),
    read,
  }));
  return (subjects) => {
    for (const { gauge } of gauges) gauge.reset();
    for (const [name, subject] of subjects) {
      for (const { gauge, read } of gauges) {
        const value = read(subject);
        if (value !== null && value !== undefined) gauge.set({ [label]: name }, Number(value));
      }
    }
  };
}
