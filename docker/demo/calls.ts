/**
 * The switch of the demo, for an image of the gateway with a primary of its own:
 *   node docker/demo/calls.ts load 200000   fills empty tables once; where there are calls it does nothing
 *   node docker/demo/calls.ts live 20       writes so many calls a second, as they end, until SIGTERM
 * The primary is the one of MIGRATE_URL, or of the file that MIGRATE_URL_FILE names.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { loadCalls } from '../../src/demo/load-calls.ts';
import { startTraffic } from '../../src/demo/traffic.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';

const jobs: Readonly<Record<string, (primaryUrl: string, figure: number) => Promise<void>>> = { load, live };

async function load(primaryUrl: string, count: number): Promise<void> {
  if (await hasCalls(primaryUrl)) {
    say('There are calls already; nothing is loaded.');
    return;
  }
  const started = performance.now();
  await loadCalls(primaryUrl, createTrafficModel(), { count, now: new Date() });
  say(`Loaded ${count} calls in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}

async function live(primaryUrl: string, rate: number): Promise<void> {
  const traffic = startTraffic({ primaryUrl, model: createTrafficModel(), rate });
  say(`Writing ${rate} calls a second.`);
  // With a rate of 0 nothing else would keep the process.
  const awake = setInterval(() => {}, 60_000);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  clearInterval(awake);
  await traffic.stop();
  say(`Wrote ${traffic.written} calls.`);
}

async function hasCalls(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query('select exists (select from xdrs) as found');
    return rows[0].found;
  } finally {
    await client.end();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function primaryUrlOf({ MIGRATE_URL, MIGRATE_URL_FILE }: NodeJS.ProcessEnv): string {
  const url = MIGRATE_URL || (MIGRATE_URL_FILE && readFileSync(MIGRATE_URL_FILE, 'utf8').trim());
  if (url) return url;
  throw new Error('Say which primary in MIGRATE_URL or MIGRATE_URL_FILE.');
}

const [name = '', figure = ''] = process.argv.slice(2);
const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
if (job && /^\d{1,9}$/.test(figure)) {
  await job(primaryUrlOf(process.env), Number(figure));
} else {
  process.stderr.write('Usage: calls.ts load COUNT | live CALLS_PER_SECOND\n');
  process.exitCode = 2;
}
