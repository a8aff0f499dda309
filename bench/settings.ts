import { existsSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumber } from '../src/settings/kinds.ts';
import type { Kind } from '../src/settings/setting.ts';
import { PROJECT } from './gateway.ts';

/** How large the lists are. */
export interface Sizes {
  /** In the table. */
  readonly calls: number;
  /** Of the list that is compared with everything. */
  readonly list: number;
  /** Of the long list, of the files, and of the depth of the deep page. */
  readonly longList: number;
}

export interface Settings {
  readonly isQuick: boolean;
  readonly sizes: Sizes;
  /** Runs of each side that count. */
  readonly repeats: number;
  /** Of one load of pages, per turn. */
  readonly loadMilliseconds: number;
  /** Answered before a load counts: a compiler that optimises while it runs needs thousands of pages. */
  readonly warmUpPages: number;
  /** Of each page whose latency is looked at. */
  readonly pageRounds: number;
  /** Row names; undefined means all. */
  readonly rows: readonly string[] | undefined;
  /** In which the calls are kept for next time. Undefined: the system's temporary one. */
  readonly dataDir: string | undefined;
  readonly writesResults: boolean;
  /** The checkout whose gateway ours is compared with; undefined: what else there is. */
  readonly against: string | undefined;
  /** Runs of both gateways then. */
  readonly pairs: number;
}

/** What `--rows` may name: all rows, and those of which the gateway's part can be compared. */
export interface Names {
  readonly rowNames: readonly string[];
  readonly workloadNames: readonly string[];
}

/** A sentence for the terminal. */
export class BadArgumentError extends Error {}

const FULL = {
  calls: 5_000_000,
  repeats: 7,
  loadMilliseconds: 4000,
  warmUpPages: 20_000,
  pageRounds: 1000,
};
/** Fewer say little of three per cent. */
const MIN_PAIRS = 15;
/** Of a load that is repeated so often. */
const PAIR_LOAD_MILLIS = 1500;
const QUICK = {
  calls: 500_000,
  repeats: 3,
  loadMilliseconds: 1500,
  warmUpPages: 6000,
  pageRounds: 200,
};

export function help({ rowNames, workloadNames }: Names): string {
  return `Usage: npm run bench -- [options]

Measures the gateway on one hot standby against what it is compared with, side by side in one run, and prints
a table. Calls are made by the demo and kept for the next run.

  --quick          ${QUICK.calls.toLocaleString('en')} calls and fewer repeats: under three minutes, before and after a change
  --rows A,B       only these rows: ${wrap(rowNames)}
  --calls N        calls in the table (default ${FULL.calls.toLocaleString('en')}); lists become shorter where they must
  --repeats N      runs of each side that count (default ${FULL.repeats}, quick ${QUICK.repeats})
  --data-dir DIR   where the calls are kept, in a directory of their own (default: the system's temporary one)
  --write          write bench/RESULTS.md and the picture; without it only a full run of all rows does
  --against DIR    compare this gateway with that of another checkout, which has had its npm ci, in turns on the same
                   standby and with nothing else; a full run of all rows that take time writes bench/AGAINST.md:
                   ${wrap(workloadNames)}
  --pairs N        runs of both gateways then, at least ${MIN_PAIRS}, which is the default
  --help           this text

The table is on standard output, progress on standard error. The exit code is 1 when a row misses its target.
`;
}

/** Throws BadArgumentError. */
export function parseSettings(args: readonly string[], names: Names): Settings | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const against = values.against === undefined ? undefined : findCheckout(values.against);
  if (against === undefined && values.pairs !== undefined) {
    throw new BadArgumentError('--pairs goes with --against; --repeats is for everything else.');
  }
  if (against !== undefined && values.repeats !== undefined) {
    throw new BadArgumentError('--repeats does not go with --against; --pairs does.');
  }
  const rowNames = against === undefined ? names.rowNames : names.workloadNames;
  const isQuick = values.quick;
  const scale = isQuick ? QUICK : FULL;
  const rows = values.rows?.split(',').map((name) => name.trim());
  const unknown = rows?.find((name) => !rowNames.includes(name));
  if (unknown !== undefined) {
    const what = names.rowNames.includes(unknown) ? 'The row is not one for --against' : 'There is no row';
    throw new BadArgumentError(`${what}: "${unknown}". Rows: ${rowNames.join(', ')}.`);
  }
  const calls = parseFlag('--calls', values.calls, wholeNumber(20_000, 100_000_000)) ?? scale.calls;
  return {
    isQuick,
    sizes: chooseSizes(calls),
    repeats: parseFlag('--repeats', values.repeats, wholeNumber(1, 1000)) ?? scale.repeats,
    loadMilliseconds: against === undefined ? scale.loadMilliseconds : PAIR_LOAD_MILLIS,
    warmUpPages: scale.warmUpPages,
    pageRounds: scale.pageRounds,
    rows,
    dataDir: values['data-dir'],
    writesResults: values.write || (!isQuick && rows === undefined && calls === FULL.calls),
    against,
    pairs: parseFlag('--pairs', values.pairs, wholeNumber(MIN_PAIRS, 1000)) ?? MIN_PAIRS,
  };
}

/** Throws BadArgumentError where there is no gateway to start, or it is this one. */
function findCheckout(path: string): string {
  const refuse = (reason: string) => new BadArgumentError(`--against "${path}": ${reason}`);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw refuse('there is no such directory.');
  const directory = realpathSync(path);
  if (directory === realpathSync(PROJECT)) throw refuse('that is this checkout.');
  if (!existsSync(join(directory, 'src/cli.ts'))) throw refuse('there is no gateway in it (src/cli.ts).');
  if (!existsSync(join(directory, 'node_modules')))
    throw refuse('there are no node_modules; run npm ci there.');
  return directory;
}

/** The sizes of the targets where the table has enough calls; otherwise a fifth and two fifths of it. */
function chooseSizes(calls: number): Sizes {
  return {
    calls,
    list: Math.min(100_000, Math.floor(calls / 5)),
    longList: Math.min(1_000_000, Math.floor((2 * calls) / 5)),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        rows: { type: 'string' },
        calls: { type: 'string' },
        repeats: { type: 'string' },
        'data-dir': { type: 'string' },
        write: { type: 'boolean', default: false },
        against: { type: 'string' },
        pairs: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new BadArgumentError(`${(error as Error).message.split('. ')[0]}; --help lists the options.`);
  }
}

function parseFlag(flag: string, text: string | undefined, kind: Kind<number>): number | undefined {
  if (text === undefined) return undefined;
  try {
    return kind.parse(text);
  } catch {
    throw new BadArgumentError(`${flag} takes ${kind.expected}, not "${text}".`);
  }
}

/** A list that goes on below its beginning in the help. */
function wrap(names: readonly string[]): string {
  const indent = ' '.repeat(19);
  return names.reduce((text, name) => {
    const line = text.slice(text.lastIndexOf('\n') + 1);
    return line.length + name.length > 100 ? `${text},\n${indent}${name}` : `${text}, ${name}`;
  });
}
