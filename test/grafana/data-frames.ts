import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What Grafana makes of an element of an answer. */
export interface DataFrame {
  readonly refId?: string;
  readonly name?: string;
  readonly length: number;
  readonly fields: readonly {
    readonly name: string;
    readonly type: string;
    readonly values: readonly unknown[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly config: Readonly<Record<string, unknown>>;
  }[];
  readonly meta?: { readonly notices?: readonly { readonly text: string }[] };
}

const folder = new URL('../grafana-data/', import.meta.url);

export const hasGrafanaData = existsSync(new URL('node_modules/@grafana/data', folder));
/** For the name of a suite, so that a run which skips it says how to get it. */
export const grafanaDataNote = hasGrafanaData ? '' : ' (skipped: npm ci --prefix test/grafana-data)';

/** Grafana's own. Its ES modules do not load in Node, so it is required. */
export function toDataFrame(element: unknown): DataFrame {
  return createRequire(folder)('@grafana/data').toDataFrame(element);
}
