import { hash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { PART_ROWS } from '../../src/streaming/list-reader.ts';
import { makeStandbyOf, promote } from '../support/change-roles.ts';
import { asGateway, withDatabase } from '../support/database-urls.ts';
import { seconds } from './commits.ts';
import { GatewayProcess, type GatewayStatus, PATIENCE_SECONDS } from './gateway-process.ts';
import { run, waitUntil } from './rig.ts';

/** One answer, and what was done to the servers that sent it. */
export interface LongListReport {
  readonly calls: number;
  readonly bytes: number;
  /** From the request to the last byte, what was done meanwhile included. */
  readonly seconds: number;
  readonly events: readonly LongListEvent[];
  /** In words; empty when every call came, once, in order and as it was written. */
  readonly defects: readonly string[];
}

export interface LongListEvent {
  readonly afterCalls: number;
  readonly deed: string;
  /** From the deed on until so many more calls had come that they cannot have been on their way before. */
  readonly seconds: number;
}

export interface LongListOptions {
  readonly major: number;
  /** MIN_CALLS at least. */
  readonly calls: number;
  /** Ends the list. */
  readonly signal: AbortSignal;
  log(line: string): void;
}

const DATABASE = 'calls';
/** Inserted with one statement. */
const MAX_INSERTED = 500_000;
const MAX_WAIT_SECONDS = 60;
const MAX_SECONDS = 3600;
const MAX_DEFECTS = 10;
/** Between two chunks of the answer, while a server is waited for, and while the one that sends must be sending. */
const WAITING_HOLD_MS = 500;
const SENDING_HOLD_MS = 10;
/** More than all buffers between the server and whoever takes the list can hold. */
const MAX_BUFFERED_CALLS = 400_000;
/** So that between two deeds more calls come than can have been on their way before. */
export const MIN_CALLS = 5 * MAX_BUFFERED_CALLS;
/** Within this a gateway has polled each server. */
const NOTICE_SECONDS = 2;

const document = (calls: number) =>
  `{ cdrs(first: ${calls}, orderBy: OLDEST_FIRST) { nodes { id cld connectTime country region } } }`;

const insertSql = (from: number, to: number) => `
  insert into xdrs (i_xdr, i_account, i_customer, cld, connect_time, duration, disconnect_cause, country, region)
  select number, 14, 3, '44' || number * 7919 % 1000000007, '2026-01-05T09:00:00Z'::timestamptz + number * interval '1 ms',
    60, 16, (array['FRANCE', 'SPAIN', 'ITALY'])[1 + number % 3], repeat(md5(number::text), 3)
  from generate_series(${from}::int8, ${to}::int8) as number`;

/** What the line of the call must be. */
function lineOf(number: number): string {
  const cld = `44${(BigInt(number) * 7919n) % 1_000_000_007n}`;
  const at = new Date(Date.UTC(2026, 0, 5, 9) + number).toISOString().replace('Z', '000Z');
  const country = ['FRANCE', 'SPAIN', 'ITALY'][number % 3]!;
  const region = hash('md5', String(number)).repeat(3);
  return JSON.stringify({ id: String(number), cld, connectTime: at, country, region });
}

/** Takes one list of all the calls while the servers that send it die twice, and the roles are exchanged in between. */
export async function readLongList(options: LongListOptions): Promise<LongListReport> {
  const { major, calls, log } = options;
  await using cluster = await startCluster({ major, replicas: 0, settings: { autovacuum: 'off' } });
  const gatewayPassword = randomBytes(12).toString('hex');
  log(`writing ${format(calls)} calls`);
  await writeCalls(cluster.primary, { calls, gatewayPassword });
  for (let standby = 1; standby <= 2; standby++) await cluster.addReplica();
  const nodes = [cluster.primary, ...cluster.replicas];
  const urls = nodes.map((node) => {
    const url = asGateway(withDatabase(node.url(), DATABASE), gatewayPassword);
    return `${url}#${node.name}`;
  });
  const settings = {
    REPLICA_URLS: urls.join(','),
    PRIMARY_URL: urls.join(','),
    ADMIN_MAX_PAGE: String(calls),
  };
  const gateway = await GatewayProcess.start('long list', settings, hasTwoStandbys);
  try {
    return await new LongList(cluster, gateway, options).read();
  } finally {
    await gateway.stop();
  }
}

const hasTwoStandbys = (status: GatewayStatus | undefined): boolean =>
  status?.replicas.filter(({ status: state }) => state === 'STREAMING').length === 2;

async function writeCalls(
  primary: PostgresNode,
  { calls, gatewayPassword }: { readonly calls: number; readonly gatewayPassword: string },
): Promise<void> {
  await run(primary.url(), `create database ${DATABASE}`);
  const url = withDatabase(primary.url(), DATABASE);
  await migrateToLatest(url, { gatewayPassword });
  for (let from = 1; from <= calls; from += MAX_INSERTED)
    await run(url, insertSql(from, Math.min(calls, from + MAX_INSERTED - 1)));
  await run(url, 'vacuum analyze xdrs');
}

class LongList {
  readonly #nodes: readonly PostgresNode[];
  readonly #gateway: GatewayProcess;
  readonly #options: LongListOptions;
  readonly #events: LongListEvent[] = [];
  readonly #defects: string[] = [];
  /** Deeds, and after how many calls they are done. */
  readonly #deeds: { readonly at: number; readonly act: () => Promise<string> }[];
  #primary: PostgresNode;
  /** On the clock of that server, as text. */
  #promotedAt: string | undefined;
  #dead: PostgresNode | undefined;
  #calls = 0;
  #doneAt: number | undefined;
  #acting: Promise<void> | undefined;
  #holdMillis = WAITING_HOLD_MS;

  constructor(cluster: Cluster, gateway: GatewayProcess, options: LongListOptions) {
    this.#nodes = [cluster.primary, ...cluster.replicas];
    this.#primary = cluster.primary;
    this.#gateway = gateway;
    this.#options = options;
    const quarter = Math.floor((options.calls - MAX_BUFFERED_CALLS) / 4);
    this.#deeds = [
      { at: quarter, act: () => this.#kill() },
      { at: 2 * quarter, act: () => this.#switchOver() },
      { at: 3 * quarter, act: () => this.#kill() },
    ];
  }

  async read(): Promise<LongListReport> {
    const { calls } = this.#options;
    const begun = seconds();
    const response = await this.#gateway.ask(document(calls), {
      headers: { accept: 'application/x-ndjson', 'accept-encoding': 'identity' },
      timeoutSeconds: MAX_SECONDS,
    });
    if (response.status !== 200) throw new Error(`The list was refused: ${await response.text()}`);
    let bytes = 0;
    let rest = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      bytes += Buffer.byteLength(chunk);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      this.#options.signal.throwIfAborted();
      for (const line of lines) this.#check(line);
      this.#noteGoingOn();
      this.#actWhenDue();
      // A server lets go of a list that nobody takes: it is taken slowly while something is done to them.
      if (this.#acting) await Promise.race([this.#acting, delay(this.#holdMillis)]);
    }
    await this.#acting;
    if (rest !== '') this.#addDefect(`the answer ends with ${rest.slice(0, 200)}`);
    if (this.#calls !== calls) this.#addDefect(`${this.#calls} calls of ${calls}`);
    if (this.#events.length !== 3) this.#addDefect(`${this.#events.length} of three deeds`);
    return { calls, bytes, seconds: seconds() - begun, events: this.#events, defects: this.#defects };
  }

  #check(line: string): void {
    this.#calls++;
    if (line !== lineOf(this.#calls)) this.#addDefect(`line ${this.#calls} is ${line.slice(0, 200)}`);
  }

  #addDefect(defect: string): void {
    if (this.#defects.length < MAX_DEFECTS) this.#defects.push(defect);
  }

  #noteGoingOn(): void {
    const event = this.#events.at(-1);
    if (this.#doneAt === undefined || !event) return;
    if (this.#calls - event.afterCalls < MAX_BUFFERED_CALLS && this.#calls < this.#options.calls) return;
    this.#events[this.#events.length - 1] = { ...event, seconds: seconds() - this.#doneAt };
    this.#doneAt = undefined;
  }

  #actWhenDue(): void {
    const [next] = this.#deeds;
    if (!next || this.#acting || this.#calls < next.at) return;
    this.#deeds.shift();
    this.#acting = this.#act(next.act).finally(() => {
      this.#acting = undefined;
    });
  }

  async #act(act: () => Promise<string>): Promise<void> {
    this.#holdMillis = WAITING_HOLD_MS;
    await this.#wakeDead();
    this.#holdMillis = SENDING_HOLD_MS;
    const deed = await act();
    this.#options.log(`after ${format(this.#calls)} calls ${deed}`);
    this.#events.push({ afterCalls: this.#calls, deed, seconds: 0 });
    this.#doneAt = seconds();
  }

  async #wakeDead(): Promise<void> {
    if (this.#dead) await this.#dead.start();
    this.#dead = undefined;
    let status: GatewayStatus | undefined;
    const areWell = async () => {
      status = await this.#gateway.status(PATIENCE_SECONDS);
      return hasTwoStandbys(status);
    };
    if (!(await waitUntil(areWell, MAX_WAIT_SECONDS)))
      throw new Error(`No two standbys stream: ${JSON.stringify(status)}`);
  }

  async #kill(): Promise<string> {
    const server = await this.#sender();
    await this.#checkBegun(server);
    await server.kill('SIGKILL');
    this.#dead = server;
    const role = server === this.#primary ? 'the new primary' : 'a standby';
    return `"${server.name}", ${role}, which sends it, is killed`;
  }

  async #switchOver(): Promise<string> {
    const next = await this.#sender();
    const old = this.#primary;
    await promote(next, { stopping: old });
    const [row] = await run(next.url(), 'select now()::text as at');
    this.#promotedAt = row!.at as string;
    this.#primary = next;
    for (const other of this.#nodes) if (other !== next) await makeStandbyOf(next, other);
    return `"${next.name}", which sends it, becomes the primary, and "${old.name}" a standby`;
  }

  /** A server that was promoted sends what it had begun to send, and begins nothing more. */
  async #checkBegun(server: PostgresNode): Promise<void> {
    if (server !== this.#primary) return;
    const begun = `${SENDING} and query_start > '${this.#promotedAt}'::timestamptz + interval '${NOTICE_SECONDS} s'`;
    if ((await run(server.url(), begun)).length > 0)
      this.#addDefect(`${server.name} began to send calls when it had long been promoted`);
  }

  /** The server that sends it at this moment: one that was promoted sends what it had begun to send. */
  async #sender(): Promise<PostgresNode> {
    let sender: PostgresNode | undefined;
    const isFound = await waitUntil(async () => {
      const areSending = await Promise.all(this.#nodes.map(isSending));
      sender = this.#nodes.find((_, index) => areSending[index]);
      return sender !== undefined;
    }, MAX_WAIT_SECONDS);
    if (!isFound) throw new Error('No server sends the list.');
    return sender!;
  }
}

const SENDING = `select from pg_stat_activity where application_name = 'cdr-gateway' and state = 'active'
  and query like '%/* cdrPage%'`;

async function isSending(node: PostgresNode): Promise<boolean> {
  return (await run(node.url(), SENDING).catch(() => [])).length > 0;
}

/** In words, for whoever reads along. */
export function describeLongList({ calls, bytes, seconds: took, events, defects }: LongListReport): string {
  const megabytes = Math.round(bytes / 1e6);
  const lines = events.map(
    ({ afterCalls, deed, seconds: after }) =>
      `- After ${format(afterCalls)} calls ${deed}: ${after.toFixed(1)} s until ${format(MAX_BUFFERED_CALLS)} more had come.`,
  );
  return [
    `${format(calls)} calls (${megabytes} MB) in one answer of ${Math.round(took)} s, ${defects.length} defects.`,
    ...lines,
    ...defects.map((defect) => `- DEFECT: ${defect}`),
  ].join('\n');
}

/** `docs/long-list.md`. */
export function writeLongList(report: LongListReport, major: number): string {
  return `# A list that outlives its servers

Written by \`npm run test:faults -- --long-list ${report.calls}\`. A PostgreSQL ${major} primary, two standbys, and a gateway that knows
all three. One list of all calls is taken as NDJSON. Three times meanwhile something is done to the server that sends it at
that moment: it is killed; it is promoted, the primary having been stopped, and the other two follow it; the one that sends it
then is killed. Every line is compared with the call that was written: all there, once, in order, to the last character. A
standby that is promoted sends the part that it had begun, of ${format(PART_ROWS)} calls at most; the next one comes from a standby.

${describeLongList(report)}
`;
}

const format = (count: number): string => count.toLocaleString('en');
