import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from './backup-error.ts';

interface Metric {
  readonly help: string;
  /** By the labels that it has beside the stanza, such as `type="full"`; undefined is unknown, and has no line. */
  readonly values: Readonly<Record<string, number | undefined>>;
}

/** What node_exporter's textfile collector reads. Each file is replaced as a whole, so that half of one is never seen. */
export async function writeMetricsFile(
  directory: string,
  name: MetricsFileName,
  stanza: string,
  metrics: Readonly<Record<string, Metric>>,
): Promise<void> {
  const lines = Object.entries(metrics).flatMap(([metric, { help, values }]) => {
    const known = Object.entries(values).filter(([, value]) => value !== undefined);
    const rows = known.map(
      ([labels, value]) => `${metric}{stanza="${stanza}"${labels && `,${labels}`}} ${value}`,
    );
    return rows.length === 0 ? [] : [`# HELP ${metric} ${help}`, `# TYPE ${metric} gauge`, ...rows];
  });
  const file = join(directory, name);
  try {
    await writeFile(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o644 });
    await rename(`${file}.new`, file);
  } catch (error) {
    throw new BackupError(`The metrics cannot be written into ${directory}: ${(error as Error).message}`);
  }
}

/** The value that a metric had when its file was last written. */
export async function readMetric(
  directory: string,
  name: MetricsFileName,
  metric: string,
): Promise<number | undefined> {
  const text = await readFile(join(directory, name), 'utf8').catch(() => '');
  const value = new RegExp(`^${metric}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

export type MetricsFileName = 'cdr-gateway-backup.prom' | 'cdr-gateway-restore.prom';
