import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { startCluster } from '../../src/demo/cluster.ts';
import type { FuzzServers } from './fuzz-database.ts';
import { GatewayHost } from './gateway-host.ts';
import { fuzzRound } from './round.ts';

const HELP = `Usage: npm run fuzz -- [options]

Makes tables of random types, encodings and values, requests everything of them that can be requested, alters them
meanwhile, and stops at the first answer that is not as it must be. The same seed makes the same round.

  --requests N   End after so many requests (100000)
  --rounds N     End after so many rounds instead
  --seed N       Of the first round; each round has the next (1)
  --pg MAJOR     PostgreSQL 14 to 18 (18)
  --keep-going   Say what was found, and go on with the next seed
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
  };
}

/** A primary and two standbys with the roles that the migrations make. */
async function startServers(major: number): Promise<FuzzServers & AsyncDisposable> {
  const cluster = await startCluster({ major, settings: { shared_buffers: '64MB' } });
  const gatewayPassword = randomBytes(12).toString('hex');
  const admin = new pg.Client({ connectionString: cluster.primary.url() });
  await admin.connect();
  await admin.query('create database roles');
  await admin.end();
  await migrateToLatest(cluster.primary.url({ database: 'roles' }), { gatewayPassword });
  return {
    major,
    primaryUrl: cluster.primary.url(),
    standbyUrls: cluster.replicas.map((replica) => replica.url()),
    gatewayPassword,
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

/** Returns how many seeds found something. */
async function fuzz({ requests, rounds, seed: first, major, keepGoing }: Options): Promise<number> {
  await using servers = await startServers(major);
  let host = new GatewayHost();
  const found: number[] = [];
  const since = performance.now();
  let done = 0;
  let longest = 0;
  let saidAt = since;
  let seed = first;
  try {
    for (; done < requests && seed < first + rounds && !stop.signal.aborted; seed++) {
      try {
        const report = await fuzzRound(seed, servers, host);
        done += report.requests;
        longest = Math.max(longest, report.heldMillis);
      } catch (error) {
        found.push(seed);
        console.error(
          `Found: npm run fuzz -- --seed ${seed} --rounds 1${major === 18 ? '' : ` --pg ${major}`}`,
        );
        console.error(error);
        if (!keepGoing) break;
        // What was found may have left it in any state.
        await host[Symbol.asyncDispose]();
        host = new GatewayHost();
      }
      if (performance.now() - saidAt < REPORT_MS) continue;
      saidAt = performance.now();
      console.error(progress({ seed, done, requests, longest, found: found.length, millis: saidAt - since }));
    }
  } finally {
    await host[Symbol.asyncDispose]();
  }
  const millis = performance.now() - since;
  console.error(progress({ seed: seed - 1, done, requests: done, longest, found: found.length, millis }));
  console.error(
    `Seeds ${first} to ${seed - 1}: ${found.length === 0 ? 'nothing found' : `found by ${found.join(', ')}`}.`,
  );
  return found.length;
}

interface Progress {
  readonly seed: number;
  readonly done: number;
  readonly requests: number;
  readonly longest: number;
  readonly found: number;
  readonly millis: number;
}

function progress({ seed, done, requests, longest, found, millis }: Progress): string {
  const perSecond = done / (millis / 1000);
  const left = requests - done;
  const rest =
    left > 0 && requests < Number.MAX_SAFE_INTEGER ? `, ${Math.ceil(left / perSecond / 60)} min left` : '';
  return (
    `seed ${seed}: ${done} requests, ${perSecond.toFixed(0)}/s${rest}; event loop held for at most ` +
    `${longest.toFixed(0)} ms; ${found} found`
  );
}

const options = optionsOf(process.argv.slice(2));
if (!options) console.log(HELP);
else process.exitCode = (await fuzz(options)) > 0 ? 1 : 0;
