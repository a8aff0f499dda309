import { parseArgs } from 'node:util';
import type { FuzzServers } from './fuzz-database.ts';
import { startServers } from './fuzz-servers.ts';
import { GatewayHost } from './gateway-host.ts';
import { LivezWatch } from './livez-watch.ts';
import { fuzzSeed, type RoundPart, type RoundReport, roundParts } from './round.ts';

const HELP = `Usage: npm run fuzz -- [options]

Makes tables of random types, encodings and values, requests everything of them that can be requested, alters them
meanwhile, and stops at the first answer that is not as it must be. The same seed makes the same round.

  --requests N   End after so many requests (100000)
  --rounds N     End after so many rounds instead
  --seed N       Of the first round; each round has the next (1)
  --pg MAJOR     PostgreSQL 14 to 18 (18)
  --keep-going   Say what was found, and go on with the next seed
  --parts A,B    Only these parts of each round: ${roundParts.join(', ')}
  --servers JSON Of servers that run already, as "npm run fuzz:plants" has them
  --help         This text`;

/** Told to end, it ends with the round that runs, so that nothing is left behind. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

/** A line for each so many seconds of work. */
const REPORT_MS = 5000;

interface Options {
  readonly requests: number;
  readonly rounds: number;
  readonly seed: number;
  readonly major: number;
  readonly keepGoing: boolean;
  readonly parts: readonly RoundPart[] | undefined;
  readonly servers: FuzzServers | undefined;
}

function optionsOf(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string', default: '100000' },
      rounds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      pg: { type: 'string', default: '18' },
      'keep-going': { type: 'boolean', default: false },
      parts: { type: 'string' },
      servers: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const whole = (name: string, text: string) => {
    if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name} ${text}: not a whole number`);
    return Number(text);
  };
  return {
    requests: values.rounds === undefined ? whole('requests', values.requests) : Number.MAX_SAFE_INTEGER,
    rounds: values.rounds === undefined ? Number.MAX_SAFE_INTEGER : whole('rounds', values.rounds),
    seed: whole('seed', values.seed),
    major: whole('pg', values.pg),
    keepGoing: values['keep-going'],
    parts: values.parts === undefined ? undefined : partsOf(values.parts),
    servers: values.servers === undefined ? undefined : JSON.parse(values.servers),
  };
}

function partsOf(text: string): readonly RoundPart[] {
  const names = text.split(',') as RoundPart[];
  const unknown = names.find((name) => !roundParts.includes(name));
  if (unknown !== undefined) throw new Error(`--parts ${text}: there is no part ${unknown}`);
  return names;
}

/** The processes that a round leaves as they were, unless it finds something. */
class FuzzProcesses implements AsyncDisposable {
  host = new GatewayHost();
  livez = new LivezWatch();

  async renew(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.host = new GatewayHost();
    this.livez = new LivezWatch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.host[Symbol.asyncDispose](), this.livez[Symbol.asyncDispose]()]);
  }
}

/** What the rounds have come to so far. */
class Tally {
  readonly #since = performance.now();
  readonly #limit: number;
  requests = 0;
  probes = 0;
  heldMillis = 0;
  livezMillis = 0;
  livezOwnMillis = 0;
  readonly found: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add({ requests, heldMillis, livez }: RoundReport): void {
    this.requests += requests;
    this.probes += livez.probes;
    this.heldMillis = Math.max(this.heldMillis, heldMillis);
    this.livezMillis = Math.max(this.livezMillis, livez.longestMillis);
    this.livezOwnMillis = Math.max(this.livezOwnMillis, livez.longestOwnMillis);
  }

  toString(): string {
    const perSecond = this.requests / ((performance.now() - this.#since) / 1000);
    const left = this.#limit - this.requests;
    const rest =
      left > 0 && Number.isSafeInteger(this.#limit + 1)
        ? `, ${Math.ceil(left / perSecond / 60)} min left`
        : '';
    return (
      `${this.requests} requests (${perSecond.toFixed(0)}/s${rest}), ${this.found.length} findings; longest /livez ` +
      `${this.livezOwnMillis.toFixed(0)} ms of ${this.probes}, ${this.livezMillis.toFixed(0)} ms with what the machine took; ` +
      `event loop held for ${this.heldMillis.toFixed(0)} ms at most`
    );
  }
}

/** Returns how many seeds found something. */
async function fuzz(options: Options): Promise<number> {
  const { requests, rounds, seed: first, major, keepGoing } = options;
  await using own = options.servers ? undefined : await startServers(major);
  const servers = options.servers ?? own!;
  await using processes = new FuzzProcesses();
  const tally = new Tally(requests);
  let saidAt = performance.now();
  let seed = first;
  for (; tally.requests < requests && seed < first + rounds && !stop.signal.aborted; seed++) {
    try {
      tally.add(await fuzzSeed(seed, { servers, ...processes, parts: options.parts }));
    } catch (error) {
      tally.found.push(seed);
      console.error(
        `Found: npm run fuzz -- --seed ${seed} --rounds 1${major === 18 ? '' : ` --pg ${major}`}`,
      );
      console.error(error);
      if (!keepGoing) break;
      // What was found may have left them in any state.
      await processes.renew();
    }
    if (performance.now() - saidAt < REPORT_MS) continue;
    saidAt = performance.now();
    console.error(`seed ${seed}: ${tally}`);
  }
  if (tally.found.length > 0) console.error(`Found by seeds ${tally.found.join(', ')}.`);
  console.error(`Seeds ${first} to ${seed - 1}, PostgreSQL ${major}: ${tally}`);
  return tally.found.length;
}

const options = optionsOf(process.argv.slice(2));
if (!options) console.log(HELP);
else process.exitCode = (await fuzz(options)) > 0 ? 1 : 0;
