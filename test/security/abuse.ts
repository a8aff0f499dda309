import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestDatabase } from '../support/postgres.ts';
import { endProcess } from '../support/processes.ts';
import type { GatewayReport } from './abuse-gateway.ts';
import { victim } from './tenants.ts';

export interface AbuseReport {
  readonly quiet: Latencies;
  readonly attacked: Latencies;
  readonly longestTurnMillis: number;
  /** Of resident memory, since before the attack. */
  readonly grownBytes: number;
  /** Requests that the attackers have sent. */
  readonly attacks: number;
  /** Answers to the fourth tenant that were not its page. */
  readonly failures: number;
}

export interface Latencies {
  readonly medianMillis: number;
  readonly p99Millis: number;
  readonly pages: number;
}

const PAGE = JSON.stringify({
  query: '{ cdrs(first: 50) { nodes { id cli cld connectTime chargedAmount } } }',
});
const MILLIS_BETWEEN = 25;
const CALLS = 200_000;

/** Calls of four tenants. */
export async function insertCalls(database: TestDatabase): Promise<void> {
  await database.pool.query(`
    insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, setup_time, disconnect_time, duration,
      charged_amount, disconnect_cause, call_id)
    select number, 14 + number % 4, 3, '33' || number, '44' || number, at, at, at, 60, 0.0125, 16, repeat('c', 60)
    from (select number, '2026-01-05T09:00:00Z'::timestamptz + number * interval '1 second' as at
          from generate_series(1, ${CALLS}) as number) as calls`);
  await database.pool.query('analyze xdrs');
  await database.replayed();
}

/** The fourth tenant's page, first alone and then while three others attack. */
export async function measureAbuse(
  { replicaUrls }: TestDatabase,
  { quietSeconds, attackSeconds }: { readonly quietSeconds: number; readonly attackSeconds: number },
): Promise<AbuseReport> {
  const gateway = start('abuse-gateway.ts', { REPLICA_URL: replicaUrls[0]! }, ['--expose-gc']);
  let attackers: ChildProcess | undefined;
  try {
    const [port] = await once(gateway, 'message');
    // What is compiled and connected at the first times is no part of it.
    await readPages(port, quietSeconds / 2);
    const quiet = await readPages(port, quietSeconds);
    const before: GatewayReport = await tell(gateway, 'reset');
    attackers = start('attackers.ts', { PORT: String(port) });
    await once(attackers, 'message');
    await delay(500);
    const attacked = await readPages(port, attackSeconds);
    const after: GatewayReport = await tell(gateway, 'report');
    const attacks: number = await tell(attackers, 'report');
    return {
      quiet: latenciesOf(quiet.millis),
      attacked: latenciesOf(attacked.millis),
      attacks,
      failures: quiet.failures + attacked.failures,
      longestTurnMillis: after.longestTurnMillis,
      grownBytes: after.residentBytes - before.residentBytes,
    };
  } finally {
    if (attackers) await endProcess(attackers, 'SIGKILL');
    await endProcess(gateway, 'SIGKILL');
  }
}

function start(file: string, env: Record<string, string>, execArgv: readonly string[] = []): ChildProcess {
  return fork(join(import.meta.dirname, file), { env: { ...process.env, ...env }, execArgv: [...execArgv] });
}

async function tell<Report>(child: ChildProcess, what: 'reset' | 'report'): Promise<Report> {
  const told = once(child, 'message');
  child.send(what);
  const [report] = await told;
  return report;
}

/** Reads one page after another, as somebody at a screen does. */
async function readPages(port: number, seconds: number): Promise<{ millis: number[]; failures: number }> {
  const agent = new Agent({ keepAlive: true });
  const millis: number[] = [];
  let failures = 0;
  for (
    const until = performance.now() + seconds * 1000;
    performance.now() < until;
    await delay(MILLIS_BETWEEN)
  ) {
    const since = performance.now();
    const text = await readPage(port, agent).catch(() => '');
    millis.push(performance.now() - since);
    if (!text.includes('"nodes":[{') || text.includes('"errors"')) failures++;
  }
  agent.destroy();
  return { millis, failures };
}

function readPage(port: number, agent: Agent): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${victim.token}` };
  const asking = request(
    { host: '127.0.0.1', port, path: '/graphql', method: 'POST', agent, headers },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.once('end', () => resolve(text)).once('error', reject);
    },
  );
  asking.once('error', reject).end(PAGE);
  return promise;
}

function latenciesOf(millis: readonly number[]): Latencies {
  const sorted = millis.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { medianMillis: at(0.5), p99Millis: at(0.99), pages: millis.length };
}
