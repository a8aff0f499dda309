import { parseArgs } from 'node:util';
import { wholeNumber } from '../settings/kinds.ts';
import type { Kind } from '../settings/setting.ts';
import { supportedMajors } from './binaries.ts';
import { DemoError } from './demo-error.ts';

export interface DemoOptions {
  /** Calls to load before the start. */
  readonly cdrs: number;
  /** Hot standbys. */
  readonly replicas: number;
  /** PostgreSQL's major version. */
  readonly pg: number;
  /** The gateway's; 0 takes any free one. */
  readonly port: number;
  /** Live calls per second; 0 for none. */
  readonly rate: number;
  readonly seed: number;
  readonly dataDir: string | undefined;
  readonly json: boolean;
  /** Of the call explorer; 0 takes any free one, undefined starts none. */
  readonly webPort: number | undefined;
}

export const demoHelp = `Usage: npm run demo -- [options]

Starts a PostgreSQL primary with hot standbys from embedded programs, fills it with calls,
keeps writing new ones, and answers GraphQL over the standbys. Ctrl-C stops everything.

  --cdrs N        calls to load before the start (default 200000)
  --replicas N    hot standbys, 1 to 8 (default 2)
  --pg MAJOR      PostgreSQL ${supportedMajors.join(', ')} (default 18); 14, 15 and 17 are fetched once
  --port N        port of the gateway (default 3001; 0 takes a free one)
  --rate N        live calls per second (default 20; 0 for none)
  --seed N        another number, other calls; the same number, the same calls (default 1)
  --data-dir DIR  keep the calls there: the next start with the same DIR goes on with them and
                  does not load again. Standbys are cloned anew each time. To forget the calls,
                  remove DIR. Without it everything is in a temporary directory and goes at the end.
  --web           start the call explorer too: a page for a browser, whose package is examples/nextjs.
                  The first time it is installed and built there, which takes a minute or two
  --web-port N    port of the call explorer (default 3000; 0 takes a free one)
  --json          print one line of JSON on standard output when ready, everything else on
                  standard error
  --help          this text
`;

const FLAGS = {
  cdrs: { type: 'string', default: '200000' },
  replicas: { type: 'string', default: '2' },
  pg: { type: 'string', default: '18' },
  port: { type: 'string', default: '3001' },
  rate: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  'data-dir': { type: 'string' },
  json: { type: 'boolean', default: false },
  web: { type: 'boolean', default: false },
  'web-port': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Throws a DemoError for a flag that is unknown or holds nonsense. */
export function parseDemoOptions(args: readonly string[]): DemoOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const dataDir = values['data-dir'];
  const webPort = values['web-port'];
  if (webPort !== undefined && !values.web) throw new DemoError('--web-port needs --web.');
  if (dataDir === '') throw new DemoError('--data-dir needs the name of a directory.');
  return {
    cdrs: parseFlag('--cdrs', values.cdrs, wholeNumber(0, 1_000_000_000)),
    replicas: parseFlag('--replicas', values.replicas, wholeNumber(1, 8)),
    pg: parseFlag('--pg', values.pg, wholeNumber(supportedMajors[0]!, supportedMajors.at(-1)!)),
    port: parseFlag('--port', values.port, wholeNumber(0, 65_535)),
    rate: parseFlag('--rate', values.rate, wholeNumber(0, 10_000)),
    seed: parseFlag('--seed', values.seed, wholeNumber(0, 2_147_483_647)),
    dataDir,
    json: values.json,
    webPort: values.web ? parseFlag('--web-port', webPort ?? '3000', wholeNumber(0, 65_535)) : undefined,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS }).values;
  } catch (error) {
    // Node's message may explain at length; its first sentence names the flag.
    const [sentence] = (error as Error).message.split(/\. |\n/);
    throw new DemoError(`${sentence}; --help lists the options.`);
  }
}

function parseFlag(flag: string, text: string, kind: Kind<number>): number {
  try {
    return kind.parse(text);
  } catch {
    throw new DemoError(`${flag} takes ${kind.expected}, not "${text}".`);
  }
}
