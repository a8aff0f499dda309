import { existsSync, readFileSync } from 'node:fs';
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

export const hasGrafanaData = ['data', 'scenes'].every((name) =>
  existsSync(new URL(`node_modules/@grafana/${name}`, folder)),
);
/** For the name of a suite, so that a run which skips it says how to get it. */
export const grafanaDataNote = hasGrafanaData ? '' : ' (skipped: npm ci --prefix test/grafana-data)';

/** Grafana's own. Its ES modules do not load in Node, so it is required. */
export function toDataFrame(element: unknown): DataFrame {
  return createRequire(folder)('@grafana/data').toDataFrame(element);
}

/** Grafana's own unit formatter: what a panel writes of a value that has this unit. */
export function formatValue(unit: string, value: number): string {
  const { getValueFormat, formattedValueToString } = createRequire(folder)('@grafana/data');
  return formattedValueToString(getValueFormat(unit)(value));
}

/** What a dashboard's variable is, as far as a format needs it. */
interface Variable {
  readonly name: string;
  readonly value: string | readonly string[];
  readonly text: string;
}

interface FormatRegistry {
  get(format: string): { formatter(value: unknown, args: readonly string[], variable: object): string };
}

let formatRegistry: FormatRegistry | undefined;

/** What Grafana puts in the place of `${name:format}`. */
export function interpolate(format: string, { name, value, text }: Variable): string {
  formatRegistry ??= loadFormatRegistry();
  return formatRegistry.get(format).formatter(value, [], { state: { name }, getValueText: () => text });
}

/** Of a bundle that needs a browser only the one module is loaded, and it is an ES module that imports CommonJS. */
function loadFormatRegistry(): FormatRegistry {
  const file = 'node_modules/@grafana/scenes/dist/esm/variables/interpolation/formatRegistry.js';
  const source = readFileSync(new URL(file, folder), 'utf8')
    .replaceAll(/^import (\{[^}]*\}) from '([^']+)';/gm, "const $1 = require('$2');")
    .replace(/^export \{ formatRegistry \};/m, 'return formatRegistry;');
  return new Function('require', source)(createRequire(folder));
}
